"""What MonoRelay decides and does for one call, without a word of HTTP serving (web) or of sockets (upstream)."""
