"""What a provider's answers have made of a key: it rests, or is taken for wrong, and is tried again. Pure.

429 with a wait          rests for that long
429 without one          the cooldown (60 s), doubled with each in a row, up to an hour
402, a quota gone        until it is back, or an hour
401, 403 of the key      rejected: one trial after a minute, then after twice as long each time, up to an hour
a good answer            all is forgotten
"""

from __future__ import annotations

from relay.errors import Blame

COOLDOWN_S = 60.0
TRIAL_S = 60.0
MAX_REST_S = 3600.0


class Standing:
    """Of one key. Times are seconds since 1970."""

    __slots__ = ("is_on_trial", "limited", "refused", "rests_until_s")

    def __init__(self) -> None:
        self.rests_until_s = 0.0
        self.limited = 0
        """Refusals for its rate without a wait, in a row."""
        self.refused = 0
        """Refusals of the key itself, in a row; above 0 it is `rejected`."""
        self.is_on_trial = False
        """A rejected key is being tried; nobody else has it meanwhile."""

    @property
    def is_rejected(self) -> bool:
        """Whether the provider takes it for wrong."""
        return self.refused > 0

    def blamed(self, blame: Blame, wait_s: float | None, now_s: float, *, cooldown_s: float) -> None:
        """An attempt failed, and this is whom it is laid to."""
        match blame:
            case Blame.KEY_LIMITED:
                self.limited += wait_s is None
                self._rest(_growing(cooldown_s, self.limited) if wait_s is None else wait_s, now_s)
            case Blame.KEY_SPENT:
                self._rest(MAX_REST_S if wait_s is None else wait_s, now_s)
            case Blame.KEY_REFUSED:
                self.refused += 1
                self._rest(_growing(TRIAL_S, self.refused), now_s)
            case _:
                pass

    def praised(self) -> None:
        """It served a call."""
        self.limited = self.refused = 0

    def _rest(self, how_long_s: float, now_s: float) -> None:
        self.rests_until_s = max(self.rests_until_s, now_s + min(how_long_s, MAX_REST_S))


def _growing(first_s: float, times: int) -> float:
    return float(min(first_s * 2 ** min(times - 1, 10), MAX_REST_S))
