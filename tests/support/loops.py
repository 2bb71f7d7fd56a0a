"""The event loops that MonoRelay runs on: uvloop where it is installed, else asyncio's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import uvloop

LoopFactories = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

ASYNCIO: LoopFactories = {"asyncio": asyncio.new_event_loop}
BOTH: LoopFactories = {**ASYNCIO, "uvloop": uvloop.new_event_loop}
