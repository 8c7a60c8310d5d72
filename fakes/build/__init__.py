"""What builds and installs the real parts, and with what."""
