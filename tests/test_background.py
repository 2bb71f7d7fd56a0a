"""Work beside something else: it ends with it, and its faults are heard."""

from __future__ import annotations

import asyncio

import pytest

from relay.background import running_beside


async def test_it_is_cancelled_on_leaving() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with running_beside(work(), name="w"):
        await asyncio.sleep(0)
    assert ended == [True]


async def test_a_fault_is_told_at_once_and_raised_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        raise LookupError("broken")

    async def beside() -> str:
        async with running_beside(work(), name="some work"):
            for _ in range(3):
                await asyncio.sleep(0)
            heard.append(caplog.text)
        return "not reached"

    heard: list[str] = []
    with pytest.raises(LookupError):
        await beside()
    assert "the work 'some work' has ended" in heard[0]
