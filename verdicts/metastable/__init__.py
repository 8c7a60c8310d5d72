"""The frontier of metastable states: what a trial came to, the answer of its trials, its page."""
