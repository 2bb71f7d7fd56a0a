"""A provider's refusals: answers with an error status."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from tests.faults.clock import NOW
from tests.faults.row import COUNTS, DOUBTED, REJECTED, Fault, Refused, Row
from tests.faults.scripts import HTML, PAGE, Says, answering, refusing

SLOWER = Says("rate_limit_error", "rate_limit_exceeded", "rate_limit_error")
NO_QUOTA = Says("insufficient_quota", "insufficient_quota", "insufficient_quota")
WRONG_KEY = Says("invalid_request_error", "invalid_api_key", "authentication_error")
UNPAID = Says("insufficient_quota", None, "billing_error")
NO_MODEL = Says("invalid_request_error", "model_not_found", "not_found_error")
NOT_SO = Says("invalid_request_error", None, "invalid_request_error")
FLAGGED = Says("invalid_request_error", None, "permission_error")
TOO_LARGE = Says("invalid_request_error", "request_too_large", "request_too_large")
FAILED = Says("server_error", None, "api_error")

UPSTREAM_AUTH = Refused(502, "server_error", "upstream_auth", "api_error", is_final=True)


def limited(retry_after_s: int) -> Refused:
    """Too many requests, and when they may come again."""
    return Refused(429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error", retry_after_s=retry_after_s)


def spent(retry_after_s: int | None = None) -> Refused:
    """The quota or the balance is gone: SDKs need not come again."""
    return Refused(
        429, "insufficient_quota", "insufficient_quota", "billing_error", retry_after_s=retry_after_s, is_final=True
    )


def failed(status: int, anthropic_type: str = "api_error", **more: Any) -> Refused:
    """The provider's own fault, with its status."""
    return Refused(status, "server_error", None, anthropic_type, **more)


def invalid(status: int, anthropic_type: str, code: str | None = None) -> Refused:
    """The request's own fault, in the provider's words."""
    return Refused(status, "invalid_request_error", code, anthropic_type)


ANOTHER_KEY: dict[str, Any] = {"tries": "k, u"}
OF_THE_TARGET: dict[str, Any] = {"tries": "k, u", "key": DOUBTED, "target": COUNTS}
IN_HALF_A_MINUTE = format_datetime(NOW + timedelta(seconds=30), usegmt=True)
SPENT_FOR_90_S = (("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m30s"))

ROWS: tuple[Row, ...] = (
    Fault(number=13, name="429 with `Retry-After` in seconds", key="rests 30 s", told=limited(30),
          script=refusing(429, SLOWER, ("Retry-After", "30")), **ANOTHER_KEY),
    Fault(number=13, name="429 with `Retry-After` as a date", key="rests 30 s", told=limited(30),
          script=refusing(429, SLOWER, ("Retry-After", IN_HALF_A_MINUTE)), **ANOTHER_KEY),
    Fault(number=13, name="429 with `retry-after-ms`", key="rests 1.5 s", told=limited(2),
          script=refusing(429, SLOWER, ("retry-after-ms", "1500")), **ANOTHER_KEY),
    Fault(number=13, name="429 with `x-ratelimit-reset-*` of what is used up", key="rests 90 s", told=limited(60),
          script=refusing(429, SLOWER, *SPENT_FOR_90_S), **ANOTHER_KEY),
    Fault(number=13, name="429 with a `Retry-After` of two hours", key="rests 3600 s", told=limited(60),
          script=refusing(429, SLOWER, ("Retry-After", "7200")), **ANOTHER_KEY),
    Fault(number=14, name="429 that names no wait", key="rests 60 s", told=limited(60),
          script=refusing(429, SLOWER), **ANOTHER_KEY),
    Fault(number=14, name="429 since the quota is gone", key="rests 3600 s", told=spent(),
          script=refusing(429, NO_QUOTA), **ANOTHER_KEY),
    Fault(number=14, name="429 since the quota is gone, with `Retry-After`", key="rests 600 s", told=spent(60),
          script=refusing(429, NO_QUOTA, ("Retry-After", "600")), **ANOTHER_KEY),
    Fault(number=15, name="401", key=REJECTED, told=UPSTREAM_AUTH, script=refusing(401, WRONG_KEY), **ANOTHER_KEY),
    Fault(number=15, name="403 that names the key", key=REJECTED, told=UPSTREAM_AUTH,
          script=refusing(403, WRONG_KEY), **ANOTHER_KEY),
    Fault(number=16, name="402", key="rests 3600 s", told=spent(), script=refusing(402, UNPAID), **ANOTHER_KEY),
    Fault(number=16, name="402 with `Retry-After`", key="rests 120 s", told=spent(60),
          script=refusing(402, UNPAID, ("Retry-After", "120")), **ANOTHER_KEY),
    Fault(number=17, name="404", tries="u", told=invalid(404, "not_found_error", "model_not_found"),
          script=refusing(404, NO_MODEL)),
    Fault(number=18, name="400", told=invalid(400, "invalid_request_error"), script=refusing(400, NOT_SO)),
    Fault(number=18, name="422", told=invalid(422, "invalid_request_error"), script=refusing(422, NOT_SO)),
    Fault(number=18, name="403 that names no key", told=invalid(403, "permission_error"),
          script=refusing(403, FLAGGED)),
    Fault(number=19, name="413", told=invalid(413, "request_too_large", "request_too_large"),
          script=refusing(413, TOO_LARGE)),
    *(Fault(number=20, name=f"{status}", told=failed(status), script=refusing(status, FAILED), **OF_THE_TARGET)
      for status in (408, 409, 500, 502, 504)),
    Fault(number=20, name="503", told=failed(503, "overloaded_error"),
          script=refusing(503, FAILED), **OF_THE_TARGET),
    Fault(number=20, name="503 with `Retry-After`", told=failed(503, "overloaded_error", retry_after_s=7),
          script=refusing(503, FAILED, ("Retry-After", "7")), **OF_THE_TARGET),
    Fault(number=20, name="529", told=failed(503, "overloaded_error", anthropic_status=529),
          script=refusing(529, FAILED), **OF_THE_TARGET),
    Fault(number=21, name="500 with an HTML page", told=failed(500), script=answering(500, PAGE, HTML),
          **OF_THE_TARGET),
    Fault(number=21, name="502 with an HTML page", told=failed(502), script=answering(502, PAGE, HTML),
          **OF_THE_TARGET),
    Fault(number=21, name="404 with an HTML page", tries="u", script=answering(404, PAGE, HTML),
          told=invalid(404, "not_found_error", "model_not_found")),
)  # fmt: skip
