"""HTTP serving: thin handlers over `relay.core`, one route table, one middleware."""
