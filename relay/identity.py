"""Who may call, as values: users, their sessions and API keys, and what these are limited to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from relay.model import Limits, Role


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: int
    username: str
    email: str
    role: Role
    is_active: bool
    """False: switched off, or not yet approved."""
    created_at: datetime
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in, which tokens and their successors belong to."""

    id: str
    user_id: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a user; the store knows the digest of its secret alone."""

    id: int
    user_id: int
    name: str
    prefix: str
    """Its first characters, by which its owner knows it again."""
    digest: str
    is_active: bool
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Invite:
    """A code that makes one account; the store knows its digest alone."""

    id: str
    """The first characters of the digest."""
    role: Role
    created_at: datetime
    created_by: int | None
    """A user's number; None: an access key or the command line."""
    expires_at: datetime
    used_at: datetime | None = None


NO_WAIT = datetime(1970, 1, 1, tzinfo=UTC)
"""Long before every clock, so that no other's clock takes it for a wait."""


@dataclass(frozen=True, slots=True)
class Tries:
    """What is on record of somebody's tries."""

    count: int
    since: datetime
    """Of the first one that still counts."""
    until: datetime
    """Before this moment no further try is looked at."""


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to an account, for the audit log; never with a secret."""

    actor: str
    """A user's name, an access key's, `cli`, or - where nobody is known yet - the name that was given."""
    client_ip: str
    at: datetime
