"""Independent servers that judge the load engine: they share no code with it, nor with the fakes.

`server.py` records every request it gets, `nasty.py` breaks HTTP in every way it knows and counts
what it did, `handle.py` starts either in its own process, `certificates.py` makes TLS chains.
"""
