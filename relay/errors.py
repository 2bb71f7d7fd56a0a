"""Every error that MonoRelay raises on purpose, as one tree.

    RelayError
    |- ConfigError                 the configuration can't be used; lists every problem
    |- SaveError                   the configuration can't be written: a full disk, a folder that is read-only
    |- StoreError                  the database can't be used as it stands
    |- RequestError                the relay says no, before anything went upstream
    |  |- Unauthorized             401, one body for every reason
    |  |- WrongPassword            401, one message for every reason
    |  |- Forbidden                403
    |  |- InvalidRequest           400, names the field
    |  |- BodyTooLarge             413
    |  |- UnsupportedEncoding      415
    |  |- BodyTimeout              408
    |  |- Overloaded               503, the relay has more to do than it may
    |  |- TooManyRequests          429
    |  |- Conflict                 409, a name that is taken, the last super admin
    |  |- ModelNotFound            404
    |  |- NotFound                 404, no such path
    |  |- NoSuch                   404, no such user, no such key
    |  `- MethodNotAllowed         405
    |- UpstreamError               one attempt failed; `facts` say what a client is told, `retry` what may follow
    `- ClientGone                  the client left: no failure of anybody's

A foreign exception (aiohttp, pydantic, SQLAlchemy) is turned into one of these once, at its border. How an error looks
in a dialect is decided in `relay.formats`; this module knows no wire format.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class RelayError(Exception):
    """The root: `except RelayError` catches what MonoRelay itself has to say."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a configuration file."""

    file: str
    line: int | None
    """1-based; None when the problem has no place in the file (a missing file, say)."""
    path: str
    """Dotted path of the key, `providers.openai.keys[0].label`; empty for the file as a whole."""
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class ConfigError(RelayError):
    """The configuration can't be used. Carries all problems, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SaveError(RelayError):
    """The configuration's file, or one of its versions, can't be written or read. What was there is still there."""


class StoreError(RelayError):
    """The database can't be used: newer than this release, locked, not writable."""


class ClientGone(RelayError):
    """The client closed its connection. Not a failure: nothing is retried and no key or target is blamed."""


@dataclass(frozen=True, slots=True)
class ErrorFacts:
    """What a client is told, whatever its dialect; the two type names are those of the providers' own errors.

    Sources: OpenAI "Error codes" and Anthropic "Errors" (API documentation, read 2026-11-24).
    """

    status: int
    message: str
    openai_type: str
    anthropic_type: str
    code: str | None = None
    param: str | None = None
    retry_after_s: int | None = None
    should_retry: bool | None = None
    """`x-should-retry` for the SDKs; None leaves their own rule in force."""


class RequestError(RelayError):
    """The relay refuses a request. Subclasses fix the status and the types."""

    def __init__(self, facts: ErrorFacts) -> None:
        self.facts = facts
        super().__init__(facts.message)


class Unauthorized(RequestError):
    """No valid credential. The message never says which check failed."""

    def __init__(self) -> None:
        super().__init__(ErrorFacts(401, "Unauthorized", "auth_error", "auth_error"))


class WrongPassword(RequestError):
    """A log-in that failed, for whichever reason: unknown, wrong and inactive are one."""

    def __init__(self) -> None:
        super().__init__(ErrorFacts(401, "Incorrect username or password", "auth_error", "auth_error"))


class Forbidden(RequestError):
    """A valid credential that may not do this."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorFacts(403, message, "permission_error", "permission_error"))


class InvalidRequest(RequestError):
    """The request can't be served as it stands; `param` names the field when one is to blame."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(ErrorFacts(400, message, "invalid_request_error", "invalid_request_error", code, param))


class BodyTooLarge(RequestError):
    """The request's body is larger than it may be; `bound` names the option that says so, where one does."""

    def __init__(self, limit_bytes: int, bound: str = "server.max_body") -> None:
        message = f"The request body is larger than {limit_bytes} bytes{f' ({bound})' if bound else ''}."
        super().__init__(ErrorFacts(413, message, "invalid_request_error", "request_too_large", "request_too_large"))


class UnsupportedEncoding(RequestError):
    """A compressed request body."""

    def __init__(self, encoding: str) -> None:
        message = f"Content-Encoding {encoding!r} is not accepted: send the body uncompressed."
        super().__init__(ErrorFacts(415, message, "invalid_request_error", "invalid_request_error"))


class BodyTimeout(RequestError):
    """A request body that makes no progress."""

    def __init__(self) -> None:
        message = "The request body did not arrive in time (server.body_timeout)."
        super().__init__(ErrorFacts(408, message, "invalid_request_error", "timeout_error", "request_timeout"))


class Overloaded(RequestError):
    """The relay itself is full: `reason` says of what, and by which option it is bounded."""

    def __init__(self, reason: str, *, retry_after_s: int = 1) -> None:
        message = f"The relay is overloaded: {reason}. Try again soon."
        facts = ErrorFacts(
            503, message, "server_error", "overloaded_error", "relay_overloaded", retry_after_s=retry_after_s
        )
        super().__init__(facts)


class TooManyRequests(RequestError):
    """Too much from somebody, or of something; `reason` is a sentence without its full stop."""

    def __init__(self, reason: str, *, retry_after_s: int) -> None:
        message = f"{reason}: try again in {retry_after_s} s."
        facts = ErrorFacts(
            429, message, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", retry_after_s=retry_after_s
        )
        super().__init__(facts)


class Conflict(RequestError):
    """What is asked for can't be, as things stand: a name that is taken, the last super admin."""

    def __init__(self, message: str, *, param: str | None = None, code: str = "conflict") -> None:
        super().__init__(ErrorFacts(409, message, "invalid_request_error", "invalid_request_error", code, param))


class ModelNotFound(RequestError):
    """No target serves this name."""

    def __init__(self, message: str) -> None:
        facts = ErrorFacts(404, message, "invalid_request_error", "not_found_error", "model_not_found", "model")
        super().__init__(facts)


class NotFound(RequestError):
    """No such path."""

    def __init__(self, path: str) -> None:
        super().__init__(ErrorFacts(404, f"Not found: {path}", "invalid_request_error", "not_found_error"))


class NoSuch(RequestError):
    """A thing of a kind (`user`, `API key`) that is not there, or is somebody else's."""

    def __init__(self, kind: str, key: object) -> None:
        message = f"There is no {kind} {key}."
        super().__init__(ErrorFacts(404, message, "invalid_request_error", "not_found_error", "not_found"))


class MethodNotAllowed(RequestError):
    """The path exists, with other methods."""

    def __init__(self, method: str, allowed: Sequence[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        message = f"{method} is not allowed here; allowed: {', '.join(self.allowed)}"
        super().__init__(ErrorFacts(405, message, "invalid_request_error", "invalid_request_error"))


class Retry(enum.Enum):
    """What may still be tried after a failed attempt, before the first byte went to the client."""

    NEVER = "never"
    SAME_ONCE = "same, once, on a fresh connection"
    OTHER_KEY = "another key, then another target"
    OTHER_TARGET = "another target"
    OTHER_TARGET_ONCE = "another target, once: the failed attempt may be billed"


class Blame(enum.Enum):
    """What a failed attempt is laid to, and so what rests or is counted because of it."""

    NOBODY = "nobody: the request, the client or the relay"
    TARGET = "the target: so many in a row, and it rests"
    TARGET_DOWN = "the target, which rests at once: it can't be reached"
    KEY_LIMITED = "the key's rate: it rests"
    KEY_SPENT = "the key's quota or balance: it rests longer"
    KEY_REFUSED = "the key itself, which the provider takes for wrong"


class UpstreamError(RelayError):
    """One upstream attempt failed. Made by `relay.upstream` (connection) and `relay.core` (judgement of the answer)."""

    def __init__(
        self,
        facts: ErrorFacts,
        retry: Retry,
        blame: Blame = Blame.NOBODY,
        *,
        wait_s: float | None = None,
        upstream_status: int | None = None,
        body: bytes | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        upstream_request_id: str | None = None,
    ) -> None:
        self.facts = facts
        self.retry = retry
        self.blame = blame
        self.wait_s = wait_s
        """How long the provider asks to be left alone; None: it does not say."""
        self.upstream_status = upstream_status
        """Its own status; None where there was none, or a 200."""
        self.body = body
        """The upstream's own error body, where it can be kept as it is; None: one is rendered from `facts`."""
        self.headers = headers
        """Headers of the upstream's answer that a client may see, such as its rate limits."""
        self.upstream_request_id = upstream_request_id
        """Under which the provider knows the failed call; None where it told none."""
        super().__init__(facts.message)

    def but(self, **changes: Any) -> UpstreamError:
        """The same with other values for some of the arguments above."""
        kept = {
            "wait_s": self.wait_s,
            "upstream_status": self.upstream_status,
            "body": self.body,
            "headers": self.headers,
            "upstream_request_id": self.upstream_request_id,
        }
        facts = changes.pop("facts", self.facts)
        return UpstreamError(facts, self.retry, self.blame, **{**kept, **changes})
