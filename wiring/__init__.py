"""Wires the rooms together for `locustfile.py`, which is the only one to import this."""
