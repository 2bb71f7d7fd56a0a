"""Wire formats, pure: bytes and values in, bytes and values out. No network, no clock, no randomness."""
