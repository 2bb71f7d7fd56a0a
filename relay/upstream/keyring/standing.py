"""What a provider's answers have made of a key: it rests, or is taken for wrong, and is tried again. Pure.

429 with a wait          rests for that long
429 without one          the cooldown (60 s), doubled with each in a row, up to an hour
402, a quota gone        until it is back, or an hour
401, 403 of the key      rejected: one trial after a minute, then after twice as long each time, up to an hour
a fault of the target    doubted: used only where there is no other, for 5 s, twice as long with each in a row, 60 s
a good answer            all is forgotten
"""

from __future__ import annotations

from relay.errors import Blame

COOLDOWN_S = 60.0
TRIAL_S = 60.0
MAX_REST_S = 3600.0
DOUBTED_S, MAX_DOUBTED_S = 5.0, 60.0


class Standing:
    """Of one key. Times are seconds since 1970."""

    __slots__ = ("doubted_until_s", "failures", "limited", "refused", "rests_until_s", "trial")

    def __init__(self) -> None:
        self.rests_until_s = self.doubted_until_s = 0.0
        self.failures = 0
        """Faults of the target's with this key, in a row: other keys may fare better."""
        self.limited = 0
        """Refusals for its rate without a wait, in a row."""
        self.refused = 0
        """Refusals of the key itself, in a row; above 0 it is `rejected`."""
        self.trial: object = None
        """The call that tries it. Meanwhile a rejected key is given to nobody, a doubted one where no other is left."""

    @property
    def is_rejected(self) -> bool:
        """Whether the provider takes it for wrong."""
        return self.refused > 0

    @property
    def is_on_trial(self) -> bool:
        """Whether a call is trying it."""
        return self.trial is not None

    @property
    def needs_trial(self) -> bool:
        """Whether it has to show that it works before many use it."""
        return self.refused > 0 or self.failures > 0

    def is_doubted(self, now_s: float) -> bool:
        """Whether another key is the better choice."""
        return self.failures > 0 and (self.is_on_trial or now_s < self.doubted_until_s)

    def blamed(self, blame: Blame, wait_s: float | None, now_s: float, *, cooldown_s: float) -> None:
        """An attempt failed, and this is whom it is laid to.

        What comes while it rests or is doubted was under way before: one wave of refusals is one refusal.
        """
        is_new = now_s >= self.rests_until_s
        match blame:
            case Blame.KEY_LIMITED:
                self.limited += is_new and wait_s is None
                if is_new or wait_s is not None:
                    self._rest(_growing(cooldown_s, self.limited) if wait_s is None else wait_s, now_s)
            case Blame.KEY_SPENT:
                self._rest(MAX_REST_S if wait_s is None else wait_s, now_s)
            case Blame.KEY_REFUSED:
                if not self.is_rejected:
                    self.trial = None  # Whoever tried it because of a doubt has no answer to this.
                if is_new or not self.is_rejected:
                    self.refused += 1
                    self._rest(_growing(TRIAL_S, self.refused), now_s)
            case Blame.TARGET | Blame.TARGET_DOWN if now_s >= self.doubted_until_s:
                self.failures += 1
                longer = _growing(DOUBTED_S, self.failures)
                self.doubted_until_s = now_s + min(longer, MAX_DOUBTED_S)
            case _:
                pass

    def praised(self) -> None:
        """It served a call."""
        self.limited = self.refused = self.failures = 0

    def _rest(self, how_long_s: float, now_s: float) -> None:
        self.rests_until_s = max(self.rests_until_s, now_s + min(how_long_s, MAX_REST_S))


def _growing(first_s: float, times: int) -> float:
    return float(min(first_s * 2 ** min(times - 1, 10), MAX_REST_S))
