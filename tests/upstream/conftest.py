"""What speaks to the network is tried on both event loops."""

from __future__ import annotations

import pytest

from tests.support.loops import ASYNCIO, BOTH, LoopFactories

ON_BOTH = ("test_network_transports.py", "test_connections.py", "test_dialer.py")


@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> LoopFactories:
    """Called by pytest-asyncio for each test below this folder."""
    return BOTH if item.path.name in ON_BOTH else ASYNCIO
