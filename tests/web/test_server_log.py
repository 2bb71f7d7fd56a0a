"""A request that is no valid HTTP leaves one line in the log, and nothing of its bytes."""

from __future__ import annotations

import logging

import pytest

from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, raw_exchange


@pytest.mark.parametrize(
    "line", [f"Authorization: Bearer {ACCESS_KEY}\x01", f"x y {ACCESS_KEY}", f"x-api-key {ACCESS_KEY}"]
)
async def test_a_credential_in_a_malformed_head_is_not_logged(
    start_relay: StartRelay, caplog: pytest.LogCaptureFixture, line: str
) -> None:
    caplog.set_level(logging.DEBUG)
    relay = await start_relay()
    answer = await raw_exchange(relay.port, f"GET /health HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
    assert answer[9:12] == b"400"
    lines = [record.getMessage() for record in caplog.records if record.name == "relay.server"]
    assert [text.startswith("a request that is no valid HTTP was refused: ") for text in lines] == [True]
    assert ACCESS_KEY not in caplog.text
    assert "Traceback" not in caplog.text
