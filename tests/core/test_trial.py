"""The calls of a trial against what real providers have answered."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from relay.core.asking import Asker
from relay.core.probes import PROBES
from relay.core.provider_report import Verdict
from relay.core.trial import Trial
from relay.errors import UpstreamError
from relay.formats.registry import DIALECTS
from relay.formats.sse import read_event, split_events
from tests.core.fakes import NOW, FakeCall, FakeTransport, providers_of
from tests.support.corpus import Exchange, exchanges, files

PATHS = {probe.path for probe in PROBES.values()}


def recorded(path: Path) -> list[Exchange]:
    """Those answers that a trial might have got."""
    return [one for one in exchanges(path) if one.endpoint.upstream_path in PATHS and one.status == 200]


def trial_of(exchange: Exchange) -> Trial:
    provider = providers_of("providers: {up: {provider_type: vllm}}")["up"]
    transport = FakeTransport(FakeCall(exchange.response, headers=exchange.response_headers))
    return Trial(Asker(provider, None, transport, lambda: NOW), exchange.endpoint.dialect, "m")


def tells_an_error(exchange: Exchange) -> bool:
    parts = DIALECTS[exchange.endpoint.dialect]
    return any(parts.raises_in_sdk(read_event(raw)) for raw in split_events(exchange.response))


def calls_a_tool(exchange: Exchange) -> bool:
    """By what the answer says of its end; one provider stops for no reason, with a tool called."""
    document = orjson.loads(exchange.response)
    reasons = [choice.get("finish_reason") for choice in document.get("choices", ())] + [document.get("stop_reason")]
    kinds = [part.get("type") for part in document.get("output", ())]
    is_told = bool({"tool_calls", "tool_use"} & set(reasons)) or "function_call" in kinds
    return is_told or (exchange.provider == "snowflake" and b'"tool_calls":[{' in exchange.response)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
async def test_recorded_answers_are_answers(path: Path) -> None:
    for exchange in recorded(path):
        if exchange.is_stream:
            continue
        finding = await trial_of(exchange).call()
        assert (exchange.id, finding.verdict) == (exchange.id, Verdict.PASS)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
async def test_recorded_streams_are_streams_unless_they_tell_an_error(path: Path) -> None:
    for exchange in recorded(path):
        if not exchange.is_stream:
            continue
        if tells_an_error(exchange):
            with pytest.raises(UpstreamError):
                await trial_of(exchange).stream()
            continue
        finding = await trial_of(exchange).stream()
        assert (exchange.id, finding.verdict) == (exchange.id, Verdict.PASS)


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
async def test_recorded_calls_of_tools_are_found(path: Path) -> None:
    for exchange in recorded(path):
        if exchange.is_stream:
            continue
        finding = await trial_of(exchange).tools()
        expected = Verdict.PASS if calls_a_tool(exchange) else Verdict.UNSUPPORTED
        assert (exchange.id, finding.verdict) == (exchange.id, expected)
