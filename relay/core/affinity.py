"""Calls of one conversation go where its last one was served, while the provider's prompt cache can be warm. Pure.

A first call goes by the strategies; only what continues a conversation, or is named as part of one, prefers the
target and key of before. Marks are kept as hashes: no text of a client's stays here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from relay.core.calls import RelayRequest
from relay.formats.conversation_mark import read_conversation
from relay.model import Target
from relay.per_call import record

MAX_CONVERSATIONS = 20_000
"""That are remembered; the one that was quiet for longest goes first."""


@record(frozen=True, slots=True)
class Served:
    """Where a conversation was served last."""

    target: Target
    key_label: str | None
    """None for a provider without keys."""
    until_s: float
    """Seconds since 1970."""


@dataclass(slots=True)
class AffinityMemory:
    """By conversation, the quietest first; it outlives a configuration."""

    served: dict[int, Served] = field(default_factory=dict)


@record(frozen=True, slots=True)
class Thread:
    """What a call remembers of its conversation until it has been served."""

    mark: int
    preferred: Served | None
    """Where to go, if it may; None: it is a first call, or too long ago."""


class Affinity:
    """`model_routing.affinity` of one configuration over a memory that outlives it."""

    def __init__(self, memory: AffinityMemory, ttl_s: float) -> None:
        self._served = memory.served
        self._ttl_s = ttl_s
        """0: never."""

    def find(self, request: RelayRequest, now_s: float) -> Thread | None:
        """None: it is no conversation that could be found again."""
        if not self._ttl_s:
            return None
        conversation = read_conversation(request.body, request.headers)
        if conversation is None:
            return None
        mark = hash((request.caller, request.model, conversation.mark))
        served = self._served.get(mark) if conversation.is_continued else None
        return Thread(mark, None if served is None or served.until_s <= now_s else served)

    def remember(self, thread: Thread, target: Target, key_label: str | None, now_s: float) -> None:
        """It was served there."""
        self._served.pop(thread.mark, None)
        if len(self._served) >= MAX_CONVERSATIONS:
            del self._served[next(iter(self._served))]
        self._served[thread.mark] = Served(target, key_label, now_s + self._ttl_s)
