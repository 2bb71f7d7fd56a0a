"""Options that a process takes at its start and keeps to its end: what they say was opened once. Pure."""

from __future__ import annotations

from functools import reduce

from relay.config.schema import Config

FIXED = {
    "server.host": ("server", "host"),
    "server.port": ("server", "port"),
    "server.workers": ("server", "workers"),
    "server.log_format": ("server", "log_format"),
    "auth.jwt_secret": ("auth", "jwt_secrets"),
    "auth.bcrypt_cost": ("auth", "bcrypt_cost"),
    "auth.stale_ttl": ("auth", "stale_ttl_s"),
    "database.url": ("database", "url"),
    "redis.url": ("redis", "url"),
}
"""The names in the file -> section and attribute."""


def with_fixed(new: Config, running: Config) -> Config:
    """A new configuration with what the process began with where it can't change."""
    return reduce(lambda config, where: _with(config, running, *where), FIXED.values(), new)


def waiting_for_restart(new: Config, running: Config) -> tuple[str, ...]:
    """The names of the options whose new value takes effect with the next start."""
    return tuple(name for name, where in FIXED.items() if _value(new, *where) != _value(running, *where))


def _value(config: Config, section: str, attribute: str) -> object:
    return getattr(getattr(config, section), attribute)


def _with(config: Config, running: Config, section: str, attribute: str) -> Config:
    kept = getattr(config, section).model_copy(update={attribute: _value(running, section, attribute)})
    return config.model_copy(update={section: kept})
