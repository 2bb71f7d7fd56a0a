"""CPU that a call pays for its routing, with 200 aliases, 200 globs and 2,000 models: microseconds, the best of rounds.

.venv/bin/python benchmarks/routing.py

    name         from the asked name to targets in order, kept plans, conversation included
    attempts     choosing and holding target and key, and letting them go
    parameters   looking what the configuration changes in the request
    first time   a name that nobody asked for before: its plan is made
    long         the name, of a conversation of 100 kB whose targets have lists that tell what they take
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson
from best import best_us

from relay.config.load import parse
from relay.core.attempts import Attempts
from relay.core.calls import RelayRequest, read_request
from relay.core.catalog import catalog_of
from relay.core.endpoints import ENDPOINTS
from relay.core.means import Clocks, Memory, means_of
from relay.core.planning import Planner
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import build

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PROVIDERS, MODELS, ALIASES, GLOBS = 10, 200, 200, 100
"""Models of each provider; globs of mappings, and as many of overrides."""
MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant. " * 20},
    {"role": "user", "content": "Tell me of the sea."},
    {"role": "assistant", "content": "It is wide."},
    {"role": "user", "content": "And deep?"},
]
LONG = [MESSAGES[0], *[{"role": role, "content": "x" * 500} for role in ("user", "assistant") * 100]]
CONTEXTS_TOKENS = {"fits": 1_000_000, "is near": 20_000}
"""Of all models: far above 100 kB of text, and so near to it that it has to be counted."""


def configuration() -> str:
    """A large one."""
    keys = [{"key": f"sk-{number}", "label": f"k{number}", "rate_limit_rpm": 10**6} for number in range(3)]
    providers = {
        f"p{place}": {
            "base_url": "http://127.0.0.1:9/v1",
            "keys": keys,
            "models": {"include": [f"model-{place}-{number}" for number in range(MODELS)]},
        }
        for place in range(PROVIDERS)
    }
    aliases = {
        f"alias-{number}": {
            "targets": [f"model-{number % PROVIDERS}-{number}", f"model-{(number + 1) % PROVIDERS}-{number}"],
            "strategy": ("order", "weighted", "least-busy", "fastest")[number % 4],
        }
        for number in range(ALIASES)
    }
    routing = {
        "aliases": aliases,
        "provider_mapping": {f"map-{number}-*": f"p{number % PROVIDERS}" for number in range(GLOBS)},
        "model_overrides": {f"old-{number}-*": f"model-1-{number}" for number in range(GLOBS)},
        "model_params": [{"model_pattern": "nothing-like-it-*", "params": {"top_p": 0.5}}],
    }
    return orjson.dumps({"providers": providers, "model_routing": routing}).decode()


class Bench:
    """Parts of a relay, and calls for it."""

    def __init__(self, context_tokens: int | None = None) -> None:
        config = parse(configuration(), source="benchmark", folder=Path(), environ={})
        providers = build(config)
        self._clocks = Clocks(lambda: NOW, time.monotonic, lambda: 0.5, _nobody_waits)
        self._means = means_of(config, providers, Memory(), self._clocks)
        lists = {name: _listed(place, context_tokens) for place, name in enumerate(providers) if context_tokens}
        self._planner = Planner(catalog_of(config, providers, (), lists), self._means, self._clocks)
        self._unknown = itertools.count()

    def request(self, model: str, messages: list[dict[str, str]] = MESSAGES) -> RelayRequest:
        """A call that continues a conversation."""
        raw = orjson.dumps({"model": model, "messages": messages})
        return read_request(ENDPOINTS[0], raw, headers=[("User-Agent", "bench")], request_id="r", caller="bench")

    def name(self, model: str, messages: list[dict[str, str]] = MESSAGES) -> Callable[[], object]:
        """Put its targets in order."""
        request = self.request(model, messages)
        return lambda: self._planner.itinerary(request)

    def attempts(self, model: str) -> Callable[[], object]:
        """Hold and let go."""
        itinerary = self._planner.itinerary(self.request(model))

        def act() -> None:
            with Attempts(itinerary.targets, self._means, self._clocks, preferred=itinerary.preferred) as attempts:
                if attempts.first() is None:
                    raise AssertionError("there is a key")
                held = attempts.served()
                if held is None:
                    raise AssertionError("it was handed out")
                held.entry.served()
                held.let_go(NOW)

        return act

    def parameters(self, model: str) -> Callable[[], object]:
        """Look what is changed."""
        request = self.request(model)
        target = self._planner.itinerary(request).targets[0]
        return lambda: self._means.parameters.prepared(request, target)

    def first_time(self) -> object:
        """An override that no name was turned by before."""
        return self._planner.itinerary(self.request(f"old-{GLOBS - 1}-{next(self._unknown)}"))


def _listed(place: int, context_tokens: int) -> tuple[ListedModel, ...]:
    return tuple(ListedModel(f"model-{place}-{number}", context_tokens=context_tokens) for number in range(MODELS))


async def _nobody_waits(delay_s: float) -> None:
    raise AssertionError("nothing here is tried again")


def main() -> None:
    """Write a line for each."""
    bench = Bench()
    for model in ("model-5-150", "alias-0", "alias-1", "alias-2", "alias-3", "map-99-x"):
        costs = {
            "name": best_us(bench.name(model)),
            "attempts": best_us(bench.attempts(model)),
            "parameters": best_us(bench.parameters(model)),
        }
        told = ", ".join(f"{part} {cost_us:.1f}" for part, cost_us in costs.items())
        sys.stdout.write(f"{model}: {sum(costs.values()):.1f} us ({told})\n")
    for how, tokens in CONTEXTS_TOKENS.items():
        long_us = best_us(Bench(tokens).name("alias-3", LONG))
        sys.stdout.write(f"long, where it {how}: {long_us:.1f} us\n")
    sys.stdout.write(f"first time: {best_us(bench.first_time, rounds=20, calls=100):.1f} us\n")


if __name__ == "__main__":
    main()
