"""A search for the frontier of metastable states: what was asked, the real trials, row by row."""
