"""Changing the configuration while it is in force: by whom, to what, and so that nobody overwrites anybody."""
