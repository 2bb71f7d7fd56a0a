"""The calls that try one dialect of a provider. Each gives a finding, or raises UpstreamError."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from relay import faults
from relay.core.asking import NO_ENDPOINT, Answer, Asker, Question
from relay.core.probes import PROBES
from relay.core.provider_report import WITHIN_S, Finding, Verdict
from relay.errors import UpstreamError
from relay.formats.event_data import read_data
from relay.formats.passing import PassingStream
from relay.formats.registry import DIALECTS
from relay.formats.sse import read_event, split_events
from relay.formats.upstream_errors import NO_WORDS, read_loose_words, read_words
from relay.formats.upstream_json import NotJson, read_json
from relay.formats.verdict import judged
from relay.model import Dialect

_NO_FEATURE = frozenset({400, 404, 405, 422, 501})
"""How a provider that has just answered the plain call refuses what another one has beside it."""

Body = Callable[[str, str], dict[str, Any]]
"""(model, the key that bounds the answer) -> a body."""


class Trial:
    """One dialect. `call` comes first: it learns how answers are bounded here."""

    def __init__(self, asker: Asker, dialect: Dialect, model: str) -> None:
        self._asker = asker
        self._dialect = dialect
        self._parts = DIALECTS[dialect]
        self._probe = PROBES[dialect]
        self._model = model
        self._limit_key = self._probe.limit_keys[0]

    async def call(self) -> Finding:
        """A plain one."""
        try:
            answer = await self._first_answer()
        except UpstreamError as error:
            return self._missing(error)
        self._read(answer)
        return Finding(Verdict.PASS, f"model {self._model}")

    async def stream(self) -> Finding:
        """A streamed one, to its end."""
        try:
            answer = await self._ask(self._probe.streamed)
        except UpstreamError as error:
            return _unsupported(error)
        if answer.head.headers.get("Content-Type", "").lower().startswith("application/json"):
            self._read(answer)
            return Finding(Verdict.UNSUPPORTED, "It answers in one piece where a stream is asked for.")
        stream = PassingStream(self._parts, "provider-test", scrub=self._asker.provider.scrub)
        self._assert_unbroken(stream.feed(answer.body) + stream.finish())
        return Finding(Verdict.PASS)

    async def tools(self) -> Finding:
        """One that is to be answered by calling a tool."""
        try:
            answer = await self._ask(self._probe.tools)
        except UpstreamError as error:
            return _unsupported(error)
        if any(self._probe.tool_calls(self._read(answer))):
            return Finding(Verdict.PASS)
        return Finding(Verdict.UNSUPPORTED, f"Model {self._model} answers without calling the tool that it is told to.")

    async def _first_answer(self) -> Answer:
        """To the plain call, with the first bound that is not refused for the next one."""
        for key, other in zip(self._probe.limit_keys, self._probe.limit_keys[1:], strict=False):
            self._limit_key = key
            try:
                return await self._ask(self._probe.plain)
            except UpstreamError as error:
                if error.upstream_status != 400 or other not in error.facts.message:
                    raise
        self._limit_key = self._probe.limit_keys[-1]
        return await self._ask(self._probe.plain)

    async def _ask(self, body: Body) -> Answer:
        raw = orjson.dumps(body(self._model, self._limit_key))
        return await self._asker.ask(Question(self._probe.path, raw, self._dialect, WITHIN_S))

    def _missing(self, error: UpstreamError) -> Finding:
        """Whether the endpoint is missing, or the model, or neither."""
        if error.upstream_status not in NO_ENDPOINT:
            raise error
        if self._model.casefold() in error.facts.message.casefold():
            return Finding(Verdict.FAIL, f"{error.facts.message} Name another model as test_model, or by --model.")
        return Finding(
            Verdict.UNSUPPORTED, f"It has no {self._probe.path}: leave {self._dialect} out of the provider's dialects."
        )

    def _read(self, answer: Answer) -> Mapping[str, Any]:
        """An answer of this dialect. Raises UpstreamError for an error behind a 200, and for anything else."""
        if not answer.body.strip():
            raise faults.empty()
        try:
            document = read_json(answer.body)
        except NotJson as error:
            raise faults.bad_event() from error
        if isinstance(document, dict) and self._parts.answer_key in document:
            return document
        words = read_words(document)
        raise faults.bad_event() if words is None else judged(words.status or 502, words, self._parts)

    def _assert_unbroken(self, events: bytes) -> None:
        """Raises UpstreamError for an error among them."""
        for event in map(read_event, split_events(events)):
            if self._parts.raises_in_sdk(event):
                words = read_loose_words(read_data(event)) or NO_WORDS
                raise judged(words.status or 502, words, self._parts)


def _unsupported(error: UpstreamError) -> Finding:
    if error.upstream_status not in _NO_FEATURE:
        raise error
    return Finding(Verdict.UNSUPPORTED, error.facts.message)
