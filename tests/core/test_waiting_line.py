from __future__ import annotations

import asyncio

from relay.core.waiting_line import WaitingLine


async def test_only_the_first_is_stirred_and_the_next_when_it_leaves() -> None:
    line = WaitingLine()
    with line.join() as second_in_time, line.join() as behind:
        assert (second_in_time.is_first, behind.is_first, len(line)) == (True, False, 2)
        line.stir()
        await second_in_time.wait(60)
        waiting = asyncio.create_task(behind.wait(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
    assert len(line) == 0
    line.stir()


async def test_whoever_leaves_stirs_the_next() -> None:
    line = WaitingLine()
    first, second = line.join(), line.join()
    with first:
        second.__enter__()
    await second.wait(60)
    assert second.is_first


async def test_a_wait_ends_by_itself() -> None:
    with WaitingLine().join() as place:
        await place.wait(0.001)
        await place.wait(0)
