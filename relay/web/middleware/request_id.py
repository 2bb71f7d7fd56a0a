"""The id under which a request is known: the client's own where it is sane, else a new one."""

from __future__ import annotations

import re
from collections.abc import Callable

_SANE = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def chosen_request_id(sent: str, new_id: Callable[[], str]) -> str:
    """`sent` is the client's X-Request-Id, empty where there is none."""
    return sent if _SANE.fullmatch(sent) else new_id()
