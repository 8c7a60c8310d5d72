"""Locust's web UI made ours: checked settings, live figures, verdicts, past runs, and who may come in."""
