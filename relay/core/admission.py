"""How many calls may be under way at once, and how much of their bodies may be in memory.

Beyond `max_in_flight` calls wait in line, the line has an end and a deadline, and behind that there is a 503: a relay
that takes more than it can serve serves nobody.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from relay.errors import Overloaded


@dataclass(frozen=True, slots=True)
class AdmissionRule:
    """`server.max_in_flight` and `server.queue`."""

    max_in_flight: int = 2000
    queue_size: int = 500
    queue_timeout_s: float = 5


class Admission:
    """Slots for calls, first come, first served."""

    def __init__(self, rule: AdmissionRule = AdmissionRule()) -> None:
        self._rule = rule
        self._line: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        """How many calls stand in line."""
        return len(self._line)

    @property
    def share(self) -> float:
        """How much of what may be under way is."""
        return self.in_flight / self._rule.max_in_flight

    def follow(self, rule: AdmissionRule) -> None:
        """Go by another rule from now on: who stands in line may enter at once, and nobody is put out."""
        self._rule = rule
        while self._line and self.in_flight < rule.max_in_flight:
            turn = self._line.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    async def enter(self) -> None:
        """Take a slot; whoever took one gives it back with `leave`. Raises Overloaded."""
        if self.in_flight < self._rule.max_in_flight:
            self.in_flight += 1
            return
        if len(self._line) >= self._rule.queue_size:
            raise Overloaded(
                f"{self._rule.max_in_flight} calls are under way (server.max_in_flight) and {len(self._line)} wait"
            )
        await self._stand_in_line()

    async def _stand_in_line(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            async with asyncio.timeout(self._rule.queue_timeout_s):
                await turn
        except TimeoutError as error:
            self._step_out(turn)
            reason = f"{self._rule.max_in_flight} calls are under way (server.max_in_flight)"
            raise Overloaded(f"{reason} and none ended in time (server.queue)") from error
        except asyncio.CancelledError:
            self._step_out(turn)
            raise

    def _step_out(self, turn: asyncio.Future[None]) -> None:
        """Leave the line; a slot that was handed over in this very moment goes to the next."""
        if turn.done() and not turn.cancelled():
            self.leave()
        elif turn in self._line:
            self._line.remove(turn)

    def leave(self) -> None:
        """Give a slot back: to the first in line, where somebody waits."""
        while self._line and self.in_flight <= self._rule.max_in_flight:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.in_flight -= 1


class BodyBudget:
    """Bytes of request bodies in memory, all calls together."""

    def __init__(self, limit_bytes: int = 2**30) -> None:
        self.limit_bytes = limit_bytes
        """`server.max_buffered`; may change while bodies are held."""
        self.held_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Count bytes that are about to be held. Raises Overloaded, having taken nothing."""
        if self.held_bytes + size_bytes > self.limit_bytes:
            raise Overloaded(f"request bodies of {self.limit_bytes} bytes are in memory (server.max_buffered)")
        self.held_bytes += size_bytes

    def give_back(self, size_bytes: int) -> None:
        """They are no longer held."""
        self.held_bytes -= size_bytes
