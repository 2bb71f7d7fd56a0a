"""GET /v1/models in both forms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from relay.state import World
from tests.conftest import StartRelay
from tests.support.running import RunningRelay, provider

WORLD = World(now=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
ANTHROPIC = {"anthropic-version": "2023-06-01"}


async def get(relay: RunningRelay, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    async with aiohttp.request("GET", f"{relay.url}{path}", headers=headers) as answer:
        return answer.status, await answer.json()


@pytest.fixture
async def relay(start_relay: StartRelay) -> RunningRelay:
    models = {"include": ["alpha", "vendor/beta", "gamma-*", "secret"], "exclude": ["sec*"]}
    other = {"include": ["ALPHA", "delta"]}
    return await start_relay(
        {
            "one": provider("http://one.invalid", models=models),
            "two": provider("http://two.invalid", models=other),
            "off": provider("http://off.invalid", enabled=False, models={"include": ["epsilon"]}),
        },
        model_routing={"aliases": {"fast": "alpha@one"}},
        world=WORLD,
    )


async def test_openais_form_lists_the_models_of_enabled_providers_and_the_aliases(relay: RunningRelay) -> None:
    status, document = await get(relay, "/v1/models")
    assert (status, document["object"]) == (200, "list")
    assert [(model["id"], model["owned_by"]) for model in document["data"]] == [
        ("alpha", "one"),
        ("vendor/beta", "one"),
        ("delta", "two"),
        ("fast", "monorelay"),
    ]
    assert {(model["object"], model["created"]) for model in document["data"]} == {("model", 1767323045)}


async def test_anthropics_form_is_one_page(relay: RunningRelay) -> None:
    _, document = await get(relay, "/v1/models", ANTHROPIC)
    assert document["data"][0] == {
        "type": "model",
        "id": "alpha",
        "display_name": "alpha",
        "created_at": "2026-01-02T03:04:05Z",
    }
    assert (document["has_more"], document["first_id"], document["last_id"]) == (False, "alpha", "fast")


@pytest.mark.parametrize("path", ["/v1/models/vendor/beta", "/v1/models/vendor%2Fbeta", "/v1/models/Vendor/Beta"])
async def test_a_name_with_a_slash_is_found_in_either_spelling(relay: RunningRelay, path: str) -> None:
    status, document = await get(relay, path)
    assert (status, document["id"]) == (200, "vendor/beta")


async def test_one_model_in_anthropics_form(relay: RunningRelay) -> None:
    status, document = await get(relay, "/v1/models/fast", ANTHROPIC)
    assert (status, document["type"], document["id"]) == (200, "model", "fast")


async def test_an_unknown_model_is_a_404_in_the_form_of_the_client(relay: RunningRelay) -> None:
    status, document = await get(relay, "/v1/models/omega")
    assert (status, document["error"]["code"]) == (404, "model_not_found")
    status, document = await get(relay, "/v1/models/omega", ANTHROPIC)
    assert (status, document["error"]["type"]) == (404, "not_found_error")


async def test_the_demo_model_is_listed_only_while_it_is_alone(start_relay: StartRelay) -> None:
    alone = await start_relay()
    assert [model["id"] for model in (await get(alone, "/v1/models"))[1]["data"]] == ["demo"]
    beside = await start_relay({"up": provider("http://up.invalid")})
    assert (await get(beside, "/v1/models"))[1]["data"] == []


async def test_an_empty_list_is_a_list_in_anthropics_form_too(start_relay: StartRelay) -> None:
    relay = await start_relay({"up": provider("http://up.invalid")})
    _, document = await get(relay, "/v1/models", ANTHROPIC)
    assert document == {"data": [], "has_more": False, "first_id": None, "last_id": None}
