"""What must fit together within the configuration itself; each a Check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relay.config.findings import Check, Finding, KeyPath
from relay.config.schema import Config


def _repeated(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(position, name) of each name that stood before, whatever its case."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name.casefold() in seen:
            yield position, name
        seen.add(name.casefold())


def access_key_names_differ(config: Config) -> Iterator[Finding]:
    """Records name the key that was used."""
    for position, name in _repeated(key.name for key in config.server.access_keys):
        path: KeyPath = ("server", "access_key", position, "name")
        yield Finding(path, f"is '{name}' like that of another access key: give each its own")


def provider_names_differ(config: Config) -> Iterator[Finding]:
    """`model@provider` is compared case-blind."""
    for _, name in _repeated(config.providers):
        yield Finding(("providers", name), "differs from another provider's name in its case only: rename one")


def key_labels_differ(config: Config) -> Iterator[Finding]:
    """Cooldowns and counters are kept by provider and label."""
    for provider, settings in config.providers.items():
        for position, label in _repeated(key.label for key in settings.keys):
            path: KeyPath = ("providers", provider, "keys", position, "label")
            yield Finding(path, f"is '{label}' like that of another key of this provider: give each its own")


def header_names_differ(config: Config) -> Iterator[Finding]:
    """HTTP knows no case in them."""
    for provider, settings in config.providers.items():
        for _, name in _repeated(settings.headers):
            yield Finding(("providers", provider, "headers", name), "is written twice: keep one of them")


def keys_in_use_are_not_empty(config: Config) -> Iterator[Finding]:
    """An empty key is what `${NAME:-}` gives without the variable: fine as long as nothing uses it."""
    for provider, settings in config.providers.items():
        for position, key in enumerate(settings.keys):
            if settings.enabled and key.enabled and not key.key.get_secret_value():
                path: KeyPath = ("providers", provider, "keys", position, "key")
                yield Finding(path, "is empty: give the key, or disable it or its provider (enabled: false)")


def one_provider_is_the_default(config: Config) -> Iterator[Finding]:
    """A name that nobody knows can go to one provider only."""
    defaults = [name for name, settings in config.providers.items() if settings.enabled and settings.default]
    for name in defaults[1:]:
        yield Finding(("providers", name, "default"), f"is true here and at '{defaults[0]}': keep one of them")


def sessions_outlive_their_tokens(config: Config) -> Iterator[Finding]:
    """An access token is good while its session lives."""
    if config.auth.refresh_token_ttl_s < config.auth.access_token_ttl_s:
        yield Finding(("auth", "refresh_token_ttl"), "is shorter than auth.access_token_ttl: make it at least as long")


def scrape_token_is_no_access_key(config: Config) -> Iterator[Finding]:
    """What a scraper holds must open the metrics alone."""
    token = config.metrics.token.get_secret_value()
    for key in config.server.access_keys:
        if token and key.key.get_secret_value() == token:
            message = f"is the same as the access key '{key.name}', which opens everything: make another"
            yield Finding(("metrics", "token"), message)


OWN_CHECKS: tuple[Check, ...] = (
    access_key_names_differ,
    provider_names_differ,
    key_labels_differ,
    header_names_differ,
    keys_in_use_are_not_empty,
    one_provider_is_the_default,
    sessions_outlive_their_tokens,
    scrape_token_is_no_access_key,
)
