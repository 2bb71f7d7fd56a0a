"""What trying a provider has shown, and what to do about it. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from relay.errors import Blame, UpstreamError
from relay.model import Dialect

WITHIN_S = 30.0
"""What each request may take."""
MAX_MESSAGE_CHARACTERS = 300
NOT_TRIED = "Not tried, since what comes before it did not work."
_HINTS = {
    "upstream_unreachable": "Is base_url right, the server up, its certificate valid?",
    "upstream_timeout": f"It had {WITHIN_S:.0f} s, or what its timeout says where that is less.",
    "upstream_redirect": "Put the address that it leads to into base_url.",
    "upstream_protocol": "Is base_url right, http or https?",
    "bad_upstream_event": "Is base_url right? Types of OpenAI's form want it with /v1, anthropic without.",
    "empty_response": "Is base_url right?",
    "no_available_key": "Enable a key that has not expired.",
}
"""By the code of a fault."""


class Verdict(enum.StrEnum):
    """What a check has shown."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    """The provider does not have this: bad only where it is needed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of a check."""

    verdict: Verdict
    message: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One that is done."""

    name: str
    """`connect`, `models`, `call`, `stream` or `tools`."""
    dialect: Dialect | None
    """None of the first two."""
    verdict: Verdict
    duration_ms: int
    message: str
    """What was found, or what to do: one line, without a secret; empty where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """All checks of one provider, in order."""

    provider: str
    model: str | None
    """Which was called; None: there was none to call."""
    checks: tuple[Check, ...]

    @property
    def has_failed(self) -> bool:
        """Whether anything needs mending."""
        return any(check.verdict is Verdict.FAIL for check in self.checks)


def advice(error: UpstreamError) -> str:
    """What is wrong, and what to do about it. The error must have been scrubbed."""
    if error.blame is Blame.KEY_REFUSED:
        return "The provider refused the key: check it, and what it may be used for."
    hint = _HINTS.get(error.facts.code or "")
    return f"{error.facts.message} {hint}" if hint else error.facts.message


def one_line(text: str) -> str:
    """As it can be printed: a provider's words may hold anything, and be long."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if len(line) <= MAX_MESSAGE_CHARACTERS:
        return line
    return f"{line[: MAX_MESSAGE_CHARACTERS - 3]}..."
