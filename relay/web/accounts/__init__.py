"""The account API: bodies are checked here, acts are `relay.core.accounts`, answers are rendered here."""
