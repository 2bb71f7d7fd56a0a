from __future__ import annotations

from typing import Any

from relay.core.affinity import MAX_CONVERSATIONS, Affinity, AffinityMemory
from relay.core.calls import RelayRequest, read_request
from relay.core.endpoints import ENDPOINTS
from relay.formats.body import write_object
from relay.model import Target

TARGET = Target("p", "m")
FIRST = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
NEXT = [*FIRST, {"role": "assistant", "content": "Hello"}, {"role": "user", "content": "And now?"}]


def request(caller: str = "ann", headers: tuple[tuple[str, str], ...] = (), **fields: Any) -> RelayRequest:
    raw = write_object({"model": "m", **fields})
    return read_request(ENDPOINTS[0], raw, headers=headers, request_id="r", caller=caller)


def served(affinity: Affinity, asked: RelayRequest, now_s: float = 0) -> None:
    place = affinity.find(asked, now_s)
    assert place is not None
    affinity.remember(place, TARGET, "k2", now_s)


def preferred(affinity: Affinity, asked: RelayRequest, now_s: float = 0) -> tuple[Target, str | None] | None:
    place = affinity.find(asked, now_s)
    if place is None or place.preferred is None:
        return None
    return place.preferred.target, place.preferred.key_label


def test_what_continues_a_conversation_goes_where_it_was() -> None:
    affinity = Affinity(AffinityMemory(), 600)
    served(affinity, request(messages=FIRST))
    assert preferred(affinity, request(messages=NEXT)) == (TARGET, "k2")


def test_another_first_call_that_begins_alike_goes_anywhere() -> None:
    affinity = Affinity(AffinityMemory(), 600)
    served(affinity, request(messages=FIRST))
    assert preferred(affinity, request(messages=FIRST)) is None


def test_a_name_of_the_clients_counts_from_the_first_call_on() -> None:
    affinity = Affinity(AffinityMemory(), 600)
    served(affinity, request(messages=FIRST, prompt_cache_key="c1"))
    other = [{"role": "user", "content": "Something else"}]
    assert preferred(affinity, request(messages=other, prompt_cache_key="c1")) == (TARGET, "k2")
    assert preferred(affinity, request(messages=other, prompt_cache_key="c2")) is None


def test_conversations_of_other_callers_models_and_beginnings_are_others() -> None:
    affinity = Affinity(AffinityMemory(), 600)
    served(affinity, request(messages=FIRST))
    assert preferred(affinity, request("bob", messages=NEXT)) is None
    assert preferred(affinity, request(model="n", messages=NEXT)) is None
    assert preferred(affinity, request(messages=[NEXT[0], {"role": "user", "content": "Ho"}, *NEXT[2:]])) is None


def test_it_is_forgotten_after_a_while_without_a_call_and_a_call_keeps_it() -> None:
    affinity = Affinity(AffinityMemory(), 600)
    served(affinity, request(messages=FIRST), now_s=0)
    assert preferred(affinity, request(messages=NEXT), now_s=599) is not None
    served(affinity, request(messages=NEXT), now_s=599)
    assert preferred(affinity, request(messages=NEXT), now_s=1198) is not None
    assert preferred(affinity, request(messages=NEXT), now_s=1199) is None


def test_a_time_of_nothing_switches_it_off() -> None:
    assert Affinity(AffinityMemory(), 0).find(request(messages=NEXT), 0) is None


def test_what_cannot_be_found_again_is_not_looked_for() -> None:
    assert Affinity(AffinityMemory(), 600).find(request(prompt="x"), 0) is None


def test_the_quietest_conversation_goes_first_when_there_are_too_many() -> None:
    memory = AffinityMemory()
    affinity = Affinity(memory, 600)
    for number in range(MAX_CONVERSATIONS):
        served(affinity, request(messages=FIRST, prompt_cache_key=f"c{number}"))
    served(affinity, request(messages=FIRST, prompt_cache_key="c0"))
    served(affinity, request(messages=FIRST, prompt_cache_key="new"))
    assert len(memory.served) == MAX_CONVERSATIONS
    assert preferred(affinity, request(messages=FIRST, prompt_cache_key="c0")) is not None
    assert preferred(affinity, request(messages=FIRST, prompt_cache_key="c1")) is None
