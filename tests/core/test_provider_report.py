from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import faults
from relay.core.provider_report import MAX_MESSAGE_CHARACTERS, Check, ProviderReport, Verdict, advice, one_line
from relay.errors import UpstreamError
from relay.model import Dialect

CHECK = Check("call", Dialect.CHAT, Verdict.PASS, 5, "")


@pytest.mark.parametrize(
    ("verdicts", "has_failed"),
    [
        ((), False),
        ((Verdict.PASS, Verdict.UNSUPPORTED), False),
        ((Verdict.PASS, Verdict.FAIL, Verdict.PASS), True),
    ],
)
def test_a_report_has_failed_where_one_check_has(verdicts: tuple[Verdict, ...], has_failed: bool) -> None:
    checks = tuple(replace(CHECK, verdict=verdict) for verdict in verdicts)
    assert ProviderReport("up", "m", checks).has_failed is has_failed


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (faults.unreachable(), "The provider could not be reached. Is base_url right"),
        (faults.connect_timeout(), "It had 30 s"),
        (faults.total_timeout(), "It had 30 s"),
        (faults.redirect(), "into base_url"),
        (faults.protocol(), "http or https?"),
        (faults.bad_event(), "with /v1"),
        (faults.empty(), "Is base_url right?"),
        (faults.no_key(), "Enable a key"),
        (faults.keys_rejected(), "The provider refused the key: check it"),
        (faults.disconnected(), "The provider's answer broke off."),
    ],
)
def test_a_failure_is_told_with_what_to_do(error: UpstreamError, words: str) -> None:
    assert words in advice(error)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        (" a\r\n\tb  c ", "a b c"),
        ("\x1b[31mred\x00", "[31mred"),
        ("x" * 300, "x" * 300),
        ("x" * 301, "x" * 297 + "..."),
    ],
)
def test_a_message_is_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text())
def test_any_text_becomes_a_line_that_can_be_printed(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= MAX_MESSAGE_CHARACTERS
    line.encode()
