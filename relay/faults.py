"""What can go wrong with an upstream, as data: a function a fault, each giving the error that a client will see.

The texts name no host, no key and no URL, so an error made here may be shown and logged as it is. Whether a fault may
be retried holds only until the first byte went to the client; after it nothing is.
"""

from __future__ import annotations

from relay.errors import Blame, ErrorFacts, Retry, UpstreamError

SHUTTING_DOWN = "shutting_down"
"""The code of the one fault that is the relay's own end."""


def _server_error(status: int, code: str, message: str, anthropic_type: str = "api_error") -> ErrorFacts:
    return ErrorFacts(status, message, "server_error", anthropic_type, code)


def unreachable() -> UpstreamError:
    """Connection refused, name not found, TLS failed."""
    facts = _server_error(502, "upstream_unreachable", "The provider could not be reached.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET_DOWN)


def connect_timeout() -> UpstreamError:
    """No connection within `timeout.connect`."""
    facts = _server_error(504, "upstream_timeout", "The provider did not accept a connection in time.", "timeout_error")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET_DOWN)


def first_byte_timeout() -> UpstreamError:
    """No head, or no first byte of the body, within `timeout.first_byte`."""
    facts = _server_error(504, "upstream_timeout", "The provider did not answer in time.", "timeout_error")
    return UpstreamError(facts, Retry.OTHER_TARGET_ONCE, Blame.TARGET)


def idle_timeout() -> UpstreamError:
    """The answer began and then stood still for `timeout.idle`."""
    facts = _server_error(504, "stream_idle_timeout", "The provider stopped sending in the middle of its answer.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET)


def total_timeout() -> UpstreamError:
    """The call took longer than `timeout.total` as a whole."""
    facts = _server_error(504, "upstream_timeout", "The provider's answer took too long.", "timeout_error")
    return UpstreamError(facts, Retry.NEVER, Blame.TARGET)


def closed_before_head() -> UpstreamError:
    """Closed or reset before a head: as a rule a pooled connection that the provider had just given up."""
    facts = _server_error(502, "upstream_disconnected", "The provider closed the connection before it answered.")
    return UpstreamError(facts, Retry.SAME_ONCE, Blame.TARGET)


def disconnected() -> UpstreamError:
    """Reset, or ended before its announced length."""
    facts = _server_error(502, "upstream_disconnected", "The provider's answer broke off.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET)


def protocol() -> UpstreamError:
    """No valid HTTP, or a body in a coding that can't be read."""
    facts = _server_error(502, "upstream_protocol", "The provider's answer is not valid HTTP.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET)


def redirect() -> UpstreamError:
    """3xx: never followed, since it would carry prompt and key to a host that nobody configured."""
    facts = _server_error(502, "upstream_redirect", "The provider answered with a redirect, which is never followed.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET)


def empty() -> UpstreamError:
    """2xx without an answer in it."""
    facts = _server_error(502, "empty_response", "The provider's answer was empty.")
    return UpstreamError(facts, Retry.OTHER_TARGET_ONCE, Blame.TARGET)


def bad_event() -> UpstreamError:
    """What should have been JSON is not."""
    facts = _server_error(502, "bad_upstream_event", "The provider's answer could not be understood.")
    return UpstreamError(facts, Retry.OTHER_KEY, Blame.TARGET)


def event_too_large(limit_bytes: int) -> UpstreamError:
    """One event of a stream is larger than the relay holds."""
    message = f"The provider sent an event of more than {limit_bytes} bytes."
    return UpstreamError(_server_error(502, "event_too_large", message), Retry.NEVER, Blame.TARGET)


def answer_too_large(limit_bytes: int) -> UpstreamError:
    """A document that the relay reads for itself is larger than it holds."""
    message = f"The provider sent an answer of more than {limit_bytes} bytes."
    return UpstreamError(_server_error(502, "answer_too_large", message), Retry.NEVER, Blame.TARGET)


def truncated() -> UpstreamError:
    """The stream ended without its end mark."""
    facts = _server_error(502, "stream_truncated", "The provider's answer ended before it was complete.")
    return UpstreamError(facts, Retry.OTHER_TARGET, Blame.TARGET)


def no_key() -> UpstreamError:
    """Every key of every target is switched off or expired."""
    facts = _server_error(503, "no_available_key", "None of the provider's keys can be used at the moment.")
    return UpstreamError(facts, Retry.NEVER)


def keys_rejected() -> UpstreamError:
    """The provider takes every key for wrong, by a 401 or a 403 that names it."""
    message = "The provider refused the relay's own key; the operator must mend it."
    facts = ErrorFacts(502, message, "server_error", "api_error", "upstream_auth", should_retry=False)
    return UpstreamError(facts, Retry.OTHER_KEY, Blame.KEY_REFUSED)


def keys_resting(wait_s: int) -> UpstreamError:
    """Every key rests, or is at one of its limits; one may be used again after `wait_s` seconds."""
    message = f"All of the provider's keys are at their limits: try again in {wait_s} s."
    facts = ErrorFacts(
        429, message, "rate_limit_error", "rate_limit_error", "rate_limit_exceeded", retry_after_s=wait_s
    )
    return UpstreamError(facts, Retry.NEVER)


def shutting_down() -> UpstreamError:
    """The relay itself ends, and the call outlasted `server.drain`."""
    message = "The relay is shutting down, which cut the answer short."
    return UpstreamError(_server_error(503, SHUTTING_DOWN, message, "overloaded_error"), Retry.NEVER)


def out_of_descriptors() -> UpstreamError:
    """The relay can't open another connection: a limit of its own machine, and no fault of the provider's."""
    message = "The relay has no connection to spare at the moment."
    facts = ErrorFacts(503, message, "server_error", "overloaded_error", "relay_overloaded", retry_after_s=1)
    return UpstreamError(facts, Retry.NEVER)
