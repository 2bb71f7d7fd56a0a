"""MonoRelay: one daemon, one URL, one key for every provider of language models. Start at docs/architecture.md."""
