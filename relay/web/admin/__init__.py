"""What admins do over HTTP with the running process: its configuration, its providers, their keys."""
