"""What hangs on how connections end is tried on both event loops."""

from __future__ import annotations

import pytest

from tests.support.loops import ASYNCIO, BOTH, LoopFactories

ON_BOTH = ("test_leavers.py", "test_fault_table_endings.py", "test_failover.py", "test_relaying.py")


@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> LoopFactories:
    """Called by pytest-asyncio for each test in this folder."""
    return BOTH if item.path.name in ON_BOTH else ASYNCIO
