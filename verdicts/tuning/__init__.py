"""Limits found by search: what a run of it came to, a setting's runs together, the answer, its page."""
