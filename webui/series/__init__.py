"""Several runs in a row from the web UI: what its form may ask, their process, those that are over."""
