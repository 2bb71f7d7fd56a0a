from __future__ import annotations

import asyncio

from relay.core.waiting_line import Place, WaitingLine


async def test_only_the_first_is_stirred_and_the_next_when_it_leaves() -> None:
    line = WaitingLine()
    with Place([line]) as first, Place([line]) as behind:
        assert (line.first, first.is_first_somewhere, behind.is_first_somewhere) == (first, True, False)
        line.stir()
        await first.wait(60)
        waiting = asyncio.create_task(behind.wait(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()
    assert (len(line), line.first) == (0, None)
    line.stir()


async def test_whoever_leaves_stirs_the_next() -> None:
    line = WaitingLine()
    first, second = Place([line]), Place([line])
    first.leave()
    first.leave()
    await second.wait(60)
    assert line.first is second


async def test_whoever_may_be_served_by_several_stands_in_all_their_lines() -> None:
    one, two = WaitingLine(), WaitingLine()
    ahead, both, behind = Place([one]), Place([one, two]), Place([two])
    assert (one.first, two.first, both.is_first_somewhere) == (ahead, both, True)
    both.leave()
    await behind.wait(60)
    assert (len(one), two.first) == (1, behind)


async def test_a_wait_ends_by_itself() -> None:
    with Place([WaitingLine()]) as place:
        await place.wait(0.001)
        await place.wait(0)
