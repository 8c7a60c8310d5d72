"""Raw samples, probes of the target, and their way to InfluxDB."""
