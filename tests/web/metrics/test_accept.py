"""The form of the answer is one of those that there are, whatever was asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from relay.web.metrics.accept import encoder_for

TEXT = "text/plain; version=0.0.4; charset=utf-8"
NEWER_TEXT = "text/plain; version=1.0.0; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
BY_PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
BY_PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accepted", "content_type"),
    [
        ([], TEXT),
        ([""], TEXT),
        (["*/*"], TEXT),
        (["text/html,application/xhtml+xml;q=0.9"], TEXT),
        (["text/plain"], TEXT),
        (["application/openmetrics-text"], OPENMETRICS),
        ([BY_PROMETHEUS_2], f"{OPENMETRICS}; escaping=underscores"),
        ([BY_PROMETHEUS_3], f"{OPENMETRICS}; escaping=allow-utf-8"),
        (["text/html", "text/plain; version=1.0.0"], f"{NEWER_TEXT}; escaping=underscores"),
        (["application/openmetrics-text;version=9.9.9"], TEXT),
        (["application/openmetrics-text;version=x"], TEXT),
        (["application/openmetrics-text;version=1.0.0;made=up"], TEXT),
        (["application/openmetrics-text;version=1.0.0\udcff"], TEXT),
        (["application/openmetrics-text;version=0.0.1"], TEXT),
    ],
)
def test_the_form_is_the_first_that_is_known(accepted: list[str], content_type: str) -> None:
    assert encoder_for(accepted)[1] == content_type


WORDS = st.sampled_from([
    "application/openmetrics-text", "text/plain", "version=", "1.0.0", "0.0.4", "9", "escaping=", "dots", "q=0.5", ";",
    ",", " ", "*/*",
])  # fmt: skip


@given(st.lists(st.text() | st.lists(WORDS).map("".join), max_size=3))
def test_whatever_was_asked_for_there_is_a_form_that_can_be_sent(accepted: list[str]) -> None:
    encode, content_type = encoder_for(accepted)
    assert content_type.isascii()
    assert content_type.isprintable()
    assert content_type.split(";")[0] in ("text/plain", "application/openmetrics-text")
    assert encode(CollectorRegistry()) in (b"", b"# EOF\n")
