"""Calls that wait for a key (`key_selection.queue`): in order, each for a while, and gone at once with their client."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self


class WaitingLines:
    """Those of all providers; they outlive a configuration."""

    def __init__(self) -> None:
        self._lines: dict[str, WaitingLine] = {}
        self._occupied: dict[WaitingLine, None] = {}

    def of(self, provider: str) -> WaitingLine:
        """That of a provider of the configuration."""
        line = self._lines.get(provider)
        if line is None:
            line = self._lines[provider] = WaitingLine(self._occupied)
        return line

    def stir(self) -> None:
        """Something was freed somewhere: whoever is first in a line looks again."""
        for line in self._occupied:
            line.stir()

    def __len__(self) -> int:
        """How many places are taken."""
        return sum(map(len, self._occupied))


class WaitingLine:
    """Of one provider."""

    def __init__(self, occupied: dict[WaitingLine, None] | None = None) -> None:
        self._places: deque[Place] = deque()
        self._occupied = {} if occupied is None else occupied
        """All lines in which somebody stands: each call that ends looks at these."""

    def __len__(self) -> int:
        return len(self._places)

    @property
    def first(self) -> Place | None:
        """Whose turn it is."""
        return self._places[0] if self._places else None

    def stir(self) -> None:
        """Something was freed: whoever is first looks again. A plain call, from wherever it was freed."""
        if self._places:
            self._places[0].stir()

    def add(self, place: Place) -> None:
        """At the end."""
        self._places.append(place)
        self._occupied[self] = None

    def remove(self, place: Place) -> None:
        """Wherever it stands; whoever is first then looks."""
        self._places.remove(place)
        self.stir()
        if not self._places:
            del self._occupied[self]


class Place:
    """Of one call, at the end of the lines of all providers that may serve it. `with` leaves them."""

    def __init__(self, lines: Iterable[WaitingLine] = ()) -> None:
        self._lines = tuple(lines)
        self._stirred = asyncio.Event()
        for line in self._lines:
            line.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """It is the next one's turn. Again: nothing happens."""
        lines, self._lines = self._lines, ()
        for line in lines:
            line.remove(self)

    @property
    def is_first_somewhere(self) -> bool:
        """Whether it is told of what is freed."""
        return any(line.first is self for line in self._lines)

    def stir(self) -> None:
        """Let its call look again."""
        self._stirred.set()

    async def wait(self, longest_s: float) -> None:
        """Until something was freed, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._stirred.wait()
        self._stirred.clear()
