"""What a client or the relay itself brings about: leaving, stalling, keys that all rest, the end of the process."""

from __future__ import annotations

from relay.model import Outcome
from tests.faults.refusals import SLOWER, UPSTREAM_AUTH, WRONG_KEY, limited
from tests.faults.row import REJECTED, STREAMED, Broken, Ending, Fault, Moment, Recorded, Refused, Row
from tests.faults.scripts import refusing

GONE = Recorded(Outcome.CLIENT_GONE, 499)
CUT = Refused(503, "server_error", "shutting_down", "overloaded_error")

LEAVING = (
    Ending(number=26, name="the client leaves before the head", moment=Moment.ASKED, told=GONE),
    Ending(number=26, name="the client leaves before the first byte of the body", moment=Moment.HEARD, told=GONE),
    Ending(number=26, name="the client leaves in the middle", moment=Moment.BEGUN, told=GONE),
)
STALLING = (
    Ending(number=27, name="the client reads nothing for `write_timeout`", moment=Moment.BEGUN, forms=STREAMED,
           told=Recorded(Outcome.CLIENT_STALLED, 499)),
)  # fmt: skip
DRAINED = (
    Ending(number=33, name="the drain is over before the head", moment=Moment.ASKED, told=CUT),
    Ending(number=33, name="the drain is over before the first byte of the body", moment=Moment.HEARD,
           told=CUT),
    Ending(number=33, name="the drain is over in the middle", moment=Moment.BEGUN, forms=STREAMED,
           told=Broken("server_error", "shutting_down", "overloaded_error")),
)  # fmt: skip
OF_KEYS = (
    Fault(number=32, name="all keys rest", script=refusing(429, SLOWER, ("Retry-After", "30")), calls_before=1,
          tries="none", key="rests 30 s", told=limited(30)),
    Fault(number=32, name="all keys are rejected", script=refusing(401, WRONG_KEY), calls_before=1,
          tries="none", key=REJECTED, told=UPSTREAM_AUTH),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*LEAVING, *STALLING, *DRAINED, *OF_KEYS)
