"""What is read of one entry of a provider's list."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.model import MAX_MODEL_CHARACTERS
from relay.upstream.listed_model import MAX_CONTEXT_TOKENS, ListedModel, read_model, write_model

OPENAI = {"id": "gpt-x", "object": "model", "created": 1_767_323_045, "owned_by": "openai"}
ANTHROPIC = {
    "id": "claude-x",
    "type": "model",
    "display_name": "Claude X",
    "created_at": "2026-01-02T03:04:05Z",
    "lifecycle": "active",
    "max_input_tokens": 200_000,
    "max_tokens": 64_000,
    "capabilities": {"image_input": {"supported": True}, "batch": {"supported": False}},
}
OPENROUTER = {
    "id": "vendor/x",
    "canonical_slug": "vendor/x-1",
    "name": "Vendor: X",
    "created": 1_767_323_045.0,
    "context_length": 8192,
    "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"]},
    "top_provider": {"context_length": 4096},
    "supported_parameters": ["temperature", "tools"],
}
MISTRAL = {
    "id": "mistral-x",
    "object": "model",
    "created": 1_767_323_045,
    "owned_by": "mistralai",
    "name": "mistral-x-1",
    "capabilities": {"completion_chat": True, "function_calling": False, "vision": True},
    "max_context_length": 32_768,
    "type": "base",
}
TOGETHER = {"id": "org/X", "type": "chat", "created": 0, "organization": "Org", "context_length": 131_072}
GROQ = {"id": "llama-x", "object": "model", "created": 1_767_323_045, "active": True, "context_window": 131_072}
VLLM = {**OPENAI, "owned_by": "vllm", "root": "/models/x", "max_model_len": 4096, "permission": [{"id": "p"}]}
LLAMA_CPP = {**OPENAI, "owned_by": "llamacpp", "meta": {"n_ctx_train": 4096, "size": 1}}
OLLAMA = {**OPENAI, "id": "llama3.2:latest", "owned_by": "library"}
LMSTUDIO = {
    "type": "llm",
    "key": "org/x",
    "display_name": "X",
    "publisher": "org",
    "max_context_length": 131_072,
    "loaded_instances": [],
    "capabilities": {"vision": False, "trained_for_tool_use": True},
}
LMSTUDIO_V0 = {
    "id": "x",
    "object": "model",
    "type": "vlm",
    "publisher": "org",
    "max_context_length": 131_072,
    "loaded_context_length": 4096,
    "capabilities": ["tool_use"],
}
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def entry(**fields: Any) -> ListedModel:
    """What is read of an entry that has these fields, and a name."""
    found = read_model({"id": "m", **fields})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("given_entry", "read"),
    [
        (OPENAI, ListedModel("gpt-x", AT, "openai")),
        (ANTHROPIC, ListedModel("claude-x", AT, None, 200_000, True, None)),
        (OPENROUTER, ListedModel("vendor/x", AT, None, 8192, False, True)),
        (MISTRAL, ListedModel("mistral-x", AT, "mistralai", 32_768, True, False)),
        (TOGETHER, ListedModel("org/X", None, "Org", 131_072)),
        (GROQ, ListedModel("llama-x", AT, None, 131_072)),
        (VLLM, ListedModel("gpt-x", AT, "vllm", 4096)),
        (LLAMA_CPP, ListedModel("gpt-x", AT, "llamacpp", 4096)),
        (OLLAMA, ListedModel("llama3.2:latest", AT, "library")),
        (LMSTUDIO, ListedModel("org/x", None, "org", 131_072, False, True)),
        (LMSTUDIO_V0, ListedModel("x", None, "org", 4096, True, True)),
    ],
)
def test_an_entry_of_each_form_is_read(given_entry: dict[str, Any], read: ListedModel) -> None:
    assert read_model(given_entry) == read


def test_a_prefix_is_taken_off_where_the_name_has_it() -> None:
    names = ("models/gemini-x", "gemini-x", "tuned/models/x")
    found = [read_model({"id": name}, "models/") for name in names]
    assert [model and model.name for model in found] == ["gemini-x", "gemini-x", "tuned/models/x"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " m",
        "m ",
        "a\nb",
        "a\x00b",
        "a\x1b[2Jb",
        "a\u202eb",
        "a\u200bb",
        "a\ud800b",
        "m" * (MAX_MODEL_CHARACTERS + 1),
    ],
)
def test_a_name_that_could_do_harm_where_it_is_shown_is_none(name: str) -> None:
    assert read_model({"id": name}) is None


@pytest.mark.parametrize("name", ["m" * MAX_MODEL_CHARACTERS, "ä/ö:ü@1", "claude-opus-4[1m]", "a b", "C:\\x.gguf"])
def test_any_other_name_is_taken_as_it_is(name: str) -> None:
    assert read_model({"id": name}) == ListedModel(name)


@pytest.mark.parametrize("found", [None, 1, "gpt-x", [], {}, {"id": None}, {"id": 5}, {"id": ["m"]}, {"name": ""}])
def test_what_is_no_model_is_none(found: object) -> None:
    assert read_model(found) is None


@pytest.mark.parametrize("gone", [{"active": False}, {"lifecycle": "retired"}])
def test_a_model_that_can_not_be_called_any_more_is_none(gone: dict[str, Any]) -> None:
    assert read_model({"id": "m", **gone}) is None


@pytest.mark.parametrize(
    ("told", "created_at"),
    [
        (1_767_323_045, AT),
        (1_767_323_045.9, AT),
        ("2026-01-02T03:04:05Z", AT),
        ("2026-01-02T04:04:05.123456789+01:00", AT),
        ("2026-01-02T03:04:05", AT),
        (0, None),
        (-1, None),
        ("1970-01-01T00:00:00Z", None),
        (10**12, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("2026-01-02T03:04:05Z" + " " * 100, None),
        ({}, None),
    ],
)
def test_a_creation_time_is_one_that_may_be_true(told: object, created_at: datetime | None) -> None:
    assert entry(created=told).created_at == created_at


@pytest.mark.parametrize(
    ("told", "tokens"),
    [
        (1, 1),
        (8192.0, 8192),
        (MAX_CONTEXT_TOKENS, MAX_CONTEXT_TOKENS),
        (MAX_CONTEXT_TOKENS + 1, None),
        (0, None),
        (-5, None),
        (True, None),
        ("8192", None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_a_context_is_a_number_of_tokens(told: object, tokens: int | None) -> None:
    assert entry(context_length=told).context_tokens == tokens


def test_a_number_that_is_none_gives_way_to_the_next() -> None:
    assert entry(max_model_len=0, context_length=10, context_window=20).context_tokens == 10


@pytest.mark.parametrize(
    ("told", "takes_images"),
    [
        ({"input_modalities": ["text", "image"]}, True),
        ({"input_modalities": ["text"]}, False),
        ({"input_modalities": "image"}, None),
        ({"architecture": {"input_modalities": ["image"]}}, True),
        ({"architecture": ["image"]}, None),
        ({"capabilities": {"vision": False}}, False),
        ({"capabilities": {"vision": "yes"}}, None),
        ({"capabilities": {"image_input": {"supported": False}}}, False),
        ({"capabilities": {"image_input": True}}, None),
        ({"capabilities": ["vision"]}, True),
        ({"capabilities": ["completion"]}, None),
        ({"capabilities": [["vision"]]}, None),
        ({}, None),
    ],
)
def test_that_images_are_taken_is_believed_where_it_is_told(told: dict[str, Any], takes_images: bool | None) -> None:
    assert entry(**told).takes_images is takes_images


@pytest.mark.parametrize(
    ("told", "takes_tools"),
    [
        ({"supported_parameters": ["tools"]}, True),
        ({"supported_parameters": []}, False),
        ({"supported_parameters": None}, None),
        ({"capabilities": {"function_calling": True}}, True),
        ({"capabilities": {"function_calling": False}}, False),
        ({"capabilities": {"trained_for_tool_use": True}}, True),
        ({"capabilities": {"trained_for_tool_use": False}}, None),
        ({"capabilities": ["tools"]}, True),
        ({"capabilities": "tools"}, None),
        ({}, None),
    ],
)
def test_that_tools_are_taken_is_believed_where_it_is_told(told: dict[str, Any], takes_tools: bool | None) -> None:
    assert entry(**told).takes_tools is takes_tools


@pytest.mark.parametrize("owner", ["", "x" * 101, "a\nb", 5, None])
def test_an_owner_is_a_line_of_text(owner: object) -> None:
    assert entry(owned_by=owner, organization="Org").owned_by == "Org"


lines = st.text(st.characters(codec="utf-8"), min_size=1, max_size=100).filter(
    lambda text: text.isprintable() and text == text.strip()
)
models = st.builds(
    ListedModel,
    lines,
    st.none() | st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0)),  # noqa: DTZ001
    st.none() | lines,
    st.none() | st.integers(1, MAX_CONTEXT_TOKENS),
    st.none() | st.booleans(),
    st.none() | st.booleans(),
)


@given(models)
def test_what_is_written_is_read_again(model: ListedModel) -> None:
    assert read_model(write_model(model)) == model


KEYS = sorted({*OPENAI, *ANTHROPIC, *OPENROUTER, *MISTRAL, *TOGETHER, *GROQ, *VLLM, *LLAMA_CPP, *LMSTUDIO_V0, "key"})
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["vlm", "image", "tools"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*KEYS, "vision", "image_input", "supported"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(KEYS), values))
def test_whatever_an_entry_holds_it_is_read_or_left_out(found: dict[str, Any]) -> None:
    model = read_model(found)
    if model is not None:
        assert read_model(write_model(model)) == model
