"""The load engine measured beside other load generators, against the same server, in the same run."""
