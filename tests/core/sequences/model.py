"""All that is known by the documents alone: it is told what reaches the providers, and objects."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

from relay.model import Target
from tests.core.sequences import model_calls
from tests.core.sequences.asks import Ask, Call
from tests.core.sequences.failures import Failure, Whose
from tests.core.sequences.model_calls import Move, move_to
from tests.core.sequences.model_keys import SLACK_S, KeyModel
from tests.core.sequences.model_targets import ProviderModel, Rest


class Model:
    """Implements upstream.Witness. Times are on the course's clock."""

    def __init__(self, now_s: Callable[[], float], note: Callable[[str], None], calls: Mapping[int, Call]) -> None:
        self._now_s = now_s
        self._note = note
        self._calls = calls
        self.objections: list[str] = []
        self.met: Counter[str] = Counter()
        """What there was to object to, had it been wrong."""
        self.keys: dict[str, KeyModel] = defaultdict(KeyModel)
        """By secret."""
        self.targets: dict[Target, Rest] = defaultdict(Rest)
        self.providers: dict[str, ProviderModel] = defaultdict(ProviderModel)

    def restarted(self) -> None:
        """What is kept of keys lasts; all else begins anew."""
        self.targets.clear()
        self.providers.clear()

    def object(self, what: str) -> None:
        """Something is not as it should be."""
        self._note(f"OBJECTION: {what}")
        self.objections.append(what)

    # Witness

    def sent(self, ask: Ask) -> None:
        """See Witness.sent."""
        self._note(f"{ask}")
        for objection in self._objections(ask):
            self.object(f"{ask}: {objection}")
        now_s, way = self._now_s(), ask.call.way_of(ask.racer)
        ask.else_at_first = self._else(ask)
        provider = self.providers[ask.target.provider]
        is_again = ask.target.provider in {other.target.provider for other in ask.call.asks}
        (provider.agains if is_again else provider.firsts).append(way[-1].failed_s if way else now_s)
        provider.under_way.append(ask)
        provider.rest.sent(ask, now_s)
        self.targets[ask.target].sent(ask, now_s)
        if ask.key is not None:
            self.keys[ask.key.secret].sent(ask, ask.key, is_repeat=_is_repeat(ask, way), now_s=now_s)
        ask.call.asks.append(ask)
        self._count(ask, way)

    def _count(self, ask: Ask, way: list[Ask]) -> None:
        self.met["requests"] += 1
        if way:
            self.met[move_to(ask, way).value] += 1
        elif len(ask.call.asks) > 1:
            self.met["the second of two at a time"] += 1
        if ask.key is not None and self.keys[ask.key.secret].trial is ask:
            self.met["trials of keys"] += 1
        if self.targets[ask.target].trial is ask or self.providers[ask.target.provider].rest.trial is ask:
            self.met["trials of targets"] += 1

    def failed(self, ask: Ask, failure: Failure) -> None:
        """See Witness.failed."""
        now_s = self._now_s()
        self._note(f"{ask}: {failure}")
        ask.failure, ask.failed_s = failure, now_s
        self.met["failures"] += 1
        self._lay(ask, failure, now_s)
        if ask.key is not None:
            self.keys[ask.key.secret].failed(failure, ask.provider, now_s)
            ask.is_repeatable = self.keys[ask.key.secret].is_good(ask.key, now_s)
        ask.elsewhere = self._else(ask)

    def _lay(self, ask: Ask, failure: Failure, now_s: float) -> None:
        """To the target or its provider."""
        target, provider = self.targets[ask.target], self.providers[ask.target.provider].rest
        match failure.whose:
            case Whose.RELAY:
                return
            case Whose.PROVIDER:
                provider.is_down(now_s)
            case Whose.TARGET:
                provider.answered()
                target.failed(ask.provider, now_s)
            case _:
                provider.answered()
                target.answered()

    def began(self, ask: Ask) -> None:
        """See Witness.began."""
        self._note(f"{ask}: its answer begins")
        ask.has_begun = True
        self.providers[ask.target.provider].rest.answered()
        self.targets[ask.target].answered()
        if ask.key is not None:
            self.keys[ask.key.secret].praised()
        if not ask.call.is_stream:
            self._served(ask)

    def closed(self, ask: Ask) -> None:
        """See Witness.closed."""
        now_s = self._now_s()
        ask.is_closed = True
        self._note(f"{ask}: closed")
        if ask.is_broken:
            self.met["streams that broke"] += 1
            self.providers[ask.target.provider].rest.answered()
            self.targets[ask.target].failed(ask.provider, now_s)
        elif ask.has_begun and ask.call.is_finished:
            self._served(ask)
        self.providers[ask.target.provider].under_way.remove(ask)
        self.providers[ask.target.provider].rest.closed(ask)
        self.targets[ask.target].closed(ask)
        if ask.key is not None:
            self.keys[ask.key.secret].closed(ask, ask.key, now_s)

    def _served(self, ask: Ask) -> None:
        """All is forgotten."""
        self.targets.pop(ask.target, None)
        self.providers[ask.target.provider].rest = Rest()

    # What it objects to

    def _objections(self, ask: Ask) -> Iterator[str]:
        call, now_s = ask.call, self._now_s()
        yield from model_calls.objections(ask)
        way = call.way_of(ask.racer)
        provider = self.providers[ask.target.provider]
        if not _is_repeat(ask, way):
            yield from provider.objections(ask)
        if ask.target.provider in {other.target.provider for other in call.asks}:
            yield from provider.objections_to_again(way[-1].failed_s if way else now_s)
        if not way or way[-1].target != ask.target:
            yield from self._resting(ask)
        if not call.asks and (before := self._in_line_before(call)):
            yield f"calls {before} were in line before it"
        if ask.key is not None:
            key = self.keys[ask.key.secret]
            yield from key.objections(ask, ask.key, is_repeat=_is_repeat(ask, way), now_s=now_s)
            yield from self._worse(ask, key, way)
        elif ask.provider.keys:
            yield "it has none of the provider's keys"

    def _resting(self, ask: Ask) -> Iterator[str]:
        """A target that is out is tried where nothing else is left, and a call has not been anywhere."""
        now_s = self._now_s()
        rests = (self.targets[ask.target], self.providers[ask.target.provider].rest)
        if not any(rest.keeps_out(ask, now_s) for rest in rests):
            return
        if ask.call.asks:
            yield "the target rests, and the call has been elsewhere"
        open_targets = [target for target in ask.call.targets if self._is_open(ask.call, target)]
        if open_targets:
            yield f"the target rests, and {open_targets} do not"

    def _worse(self, ask: Ask, key: KeyModel, way: list[Ask]) -> Iterator[str]:
        """A doubted key, where another one is left."""
        now_s = self._now_s()
        if not key.is_doubted(now_s) or _is_repeat(ask, way):
            return
        used = {other.key.secret for other in way if other.key is not None and other.target == ask.target}
        for other in ask.provider.keys:
            known = self.keys[other.secret]
            is_better = not known.faults and other.secret not in used and known.is_surely_free(other, now_s)
            if is_better:
                yield f"the key is doubted, and {other.label} is not"

    def _else(self, ask: Ask) -> frozenset[Target]:
        """Where its call could surely go instead."""
        return frozenset(
            target for target in ask.call.targets if target != ask.target and self._is_open(ask.call, target)
        )

    def _is_open(self, call: Call, target: Target) -> bool:
        """Whether it surely is not passed over."""
        rests = (self.targets[target], self.providers[target.provider].rest)
        return not any(rest.openings for rest in rests) and self._could_serve(call, target)

    def _could_serve(self, call: Call, target: Target) -> bool:
        """Whether it surely has a key to be asked with, though it may rest."""
        facts = call.facts.providers[target.provider]
        if facts.max_parallel and len(self.providers[target.provider].under_way) >= facts.max_parallel:
            return False
        now_s = self._now_s()
        return not facts.keys or any(self.keys[key.secret].is_surely_free(key, now_s) for key in facts.keys)

    # What it objects to where nothing is sent

    def gives_up(self, call: Call) -> None:
        """Nobody may be sent away untried while somebody could be asked. Of two at a time, nobody knows the moment."""
        call.is_refused = True
        if call.asks or (call.alias is not None and call.alias.percentile is not None):
            return
        for target in call.targets:
            if self._could_serve(call, target):
                self.object(f"call {call.number} was sent away, though {target} could be asked")

    def look_at_those_who_wait(self) -> None:
        """Whoever is first in a line waits for something."""
        ahead: set[str] = set()
        for call in self._calls.values():
            if not call.is_waiting or call.is_refused:
                continue
            call.has_waited = True
            if any(target.provider not in ahead and self._could_serve(call, target) for target in call.targets):
                self.object(f"call {call.number} waits for nothing")
            ahead |= {target.provider for target in call.targets}

    def look_at_those_who_lost(self) -> None:
        """Where one of two has answered, the other one is over."""
        for call in self._calls.values():
            if any(ask.has_begun for ask in call.asks) and sum(not ask.is_closed for ask in call.asks) > 1:
                self.object(f"call {call.number} has two answers under way")

    def _in_line_before(self, call: Call) -> list[int]:
        """Calls that wait for the very same, came before, and have not waited for as long as they may."""
        names = {target.provider for target in call.targets}
        if len(names) > 1 or not call.facts.queue_s:
            return []
        return [
            other.number
            for other in self._calls.values()
            if other.number < call.number
            and other.is_waiting
            and other.has_waited
            and other.came_s + call.facts.queue_s > self._now_s() + SLACK_S
            and other.facts is call.facts
            and {target.provider for target in other.targets} == names
        ]


def _is_repeat(ask: Ask, way: list[Ask]) -> bool:
    """It was let through as the one before it, which came to nothing."""
    return bool(way) and move_to(ask, way) is Move.FRESH
