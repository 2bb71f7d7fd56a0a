"""Calls that wait for a key (`key_selection.queue`): in order, each for a while, and gone at once with their client."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Self


class WaitingLine:
    """Of one provider."""

    def __init__(self) -> None:
        self._places: deque[Place] = deque()

    def __len__(self) -> int:
        return len(self._places)

    def stir(self) -> None:
        """Something was freed: whoever is first looks again. A plain call, from wherever it was freed."""
        if self._places:
            self._places[0].stir()

    def join(self) -> Place:
        """Take a place at the end, which is held until it is left."""
        place = Place(self._places)
        self._places.append(place)
        return place


class Place:
    """Of one call. `with` leaves it."""

    def __init__(self, places: deque[Place]) -> None:
        self._places = places
        self._stirred = asyncio.Event()
        self._is_left = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """It is the next one's turn. Again: nothing happens."""
        if self._is_left:
            return
        self._is_left = True
        self._places.remove(self)
        if self._places:
            self._places[0].stir()

    @property
    def is_first(self) -> bool:
        """Whether it is this one's turn."""
        return self._places[0] is self

    def stir(self) -> None:
        """Let its call look again."""
        self._stirred.set()

    async def wait(self, longest_s: float) -> None:
        """Until something was freed, or so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._stirred.wait()
        self._stirred.clear()
