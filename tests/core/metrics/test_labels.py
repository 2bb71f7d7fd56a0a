"""What may stand in a label: nothing that a client or a provider chose."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay import faults
from relay.core.catalog import catalog_of
from relay.core.metrics import ModelLabels
from relay.core.metrics.labels import FAULTS, MAX_CHARACTERS, bounded, result_of
from relay.core.routing import Catalog, Place, Rules
from relay.errors import UpstreamError
from relay.model import AttemptRecord, Dialect, Target
from relay.upstream.providers import build
from tests.config.parsing import configured

CONFIG = """\
providers:
  up:
    base_url: http://127.0.0.1:9
    keys: [{key: k}]
    models: {include: [Known-1, org/model, "globbed-*", vertex@1]}
model_routing:
  aliases: {Fast: "target-1@up", both: ["target-2@up", known-1, vertex@1]}
  model_overrides: {"old-*": new-1}
"""


def model_labels(text: str = CONFIG) -> ModelLabels:
    config = configured(text)
    return ModelLabels(catalog_of(config, build(config), ("demo",)))


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Known-1", "Known-1"),
        ("KNOWN-1", "Known-1"),
        ("known-1@up", "Known-1"),
        ("known-1@nobody", "Known-1"),
        ("org/model", "org/model"),
        ("fast", "Fast"),
        ("target-1", "target-1"),
        ("target-2@up", "target-2"),
        ("new-1", "new-1"),
        ("old-7", "other"),
        ("vertex@1", "vertex@1"),
        ("vertex@1@up", "vertex@1"),
        ("vertex", "other"),
        ("globbed-*", "other"),
        ("globbed-1", "other"),
        ("unheard-of", "other"),
        ("unheard-of@up", "other"),
        ("@up", "other"),
        ("", "other"),
        (None, ""),
    ],
)
def test_a_name_is_a_label_where_the_configuration_has_it(name: str | None, label: str) -> None:
    assert model_labels().of(name) == label


@given(st.text())
def test_any_other_name_is_other(name: str) -> None:
    labels = model_labels()
    known = {"Known-1", "org/model", "Fast", "both", "target-1", "target-2", "new-1", "vertex@1", "other"}
    assert labels.of(name) in known
    assert labels.of(f"\N{SNOWMAN}{name}") == "other"


def test_a_name_that_can_not_be_written_out_is_no_label() -> None:
    catalog = Catalog([Place("up", frozenset(Dialect), ("good", "\udcff", "two\nlines"))], Rules({}))
    assert [ModelLabels(catalog).of(name) for name in ("good", "\udcff", "two\nlines")] == ["good", "other", "other"]


def test_a_short_name_stays_as_it_is() -> None:
    assert bounded("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS


def test_long_names_are_cut_and_stay_different() -> None:
    names = ["a" * MAX_CHARACTERS + end for end in ("b", "c", "bb")]
    cut = [bounded(name) for name in names]
    assert len(set(cut)) == 3
    assert {len(name) for name in cut} == {MAX_CHARACTERS}


@pytest.mark.parametrize(
    ("status", "error", "result"),
    [
        (200, None, "ok"),
        (None, None, "cut"),
        (502, "upstream_unreachable", "upstream_unreachable"),
        (429, "rate_limit_exceeded", "rate_limit_exceeded"),
        (500, "server_error", "500"),
        (400, "whatever the provider wrote", "400"),
        (404, "model_not_found", "404"),
    ],
)
def test_an_attempt_ends_in_a_word_of_ours(status: int | None, error: str | None, result: str) -> None:
    assert result_of(AttemptRecord(Target("up", "m"), "key-1", status, error, 5)) == result


def test_every_fault_of_a_provider_has_its_word() -> None:
    """Those that no attempt ends with are told where the call is."""
    made = [make for _, make in inspect.getmembers(faults, inspect.isfunction) if make.__module__ == faults.__name__]
    found = {_called(make).facts.code for make in made if not make.__name__.startswith("_")}
    assert found - {"no_available_key", "shutting_down"} == FAULTS - {"insufficient_quota"}


def _called(make: Callable[..., UpstreamError]) -> UpstreamError:
    """The fault, by whatever number it takes."""
    fault = make(*(1 for _ in inspect.signature(make).parameters))
    assert isinstance(fault, UpstreamError)
    return fault
