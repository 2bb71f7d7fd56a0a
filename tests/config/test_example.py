from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile

import pytest

from relay.config.document import Node, plain, read
from relay.config.options import option_names, section_at
from relay.config.places import line_of
from relay.config.schema import Config
from relay.config.section import Pending, Section
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured

EXAMPLE = EXAMPLE_CONFIG.read_text(encoding="utf-8")

# Where the example says something else than what is in force without it.
NOT_DEFAULT = {
    "server.host",
    "server.access_key",
    "auth.registration",
    "providers.openrouter.enabled",
    "providers.openrouter.base_url",
    "providers.openrouter.keys",
    "providers.openrouter.default",
    "providers.anthropic.enabled",
    "providers.anthropic.provider_type",
    "providers.anthropic.base_url",
    "providers.anthropic.keys",
}


def option_names_below(section: type[Section]) -> Iterator[str]:
    """Every option that there is."""
    for option in option_names(section):
        yield option
        for below in ((option,), (option, 0)):
            try:
                found = section_at(section, below)
            except (AssertionError, IndexError):
                continue
            yield from option_names_below(found)
            break


def written(values: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], object]]:
    """(path, value) of every option in the example, sections left out."""
    if isinstance(values, dict) and values and path[-1:] != ("keys",):
        for name, value in values.items():
            yield from written(value, (*path, name))
    else:
        yield path, values


def default_of(path: tuple[str, ...]) -> object:
    *parents, option = path
    section = section_at(Config, parents)
    return section.model_fields[option_names(section)[option]].get_default(call_default_factory=True, validated_data={})


def value_at(config: object, path: tuple[str, ...]) -> object:
    for part in path:
        if isinstance(config, Mapping):
            config = config[part]
        elif isinstance(config, Section):
            config = getattr(config, option_names(type(config))[part])
    return config


def test_the_example_loads() -> None:
    config = configured(EXAMPLE)
    assert list(config.providers) == ["openrouter", "anthropic"]
    assert not any(provider.enabled for provider in config.providers.values())


def test_the_example_names_every_option() -> None:
    names = set(option_names_below(Config))
    assert len(names) > 100
    assert {name for name in names if not re.search(rf"(?m)^(?:.*\W)?{name}\b", EXAMPLE)} == set()


@pytest.mark.parametrize(
    "section", ["providers.openrouter", "providers.openrouter.keys.0", "server", "auth", "logging"]
)
def test_the_example_writes_every_option_of_a_section(section: str) -> None:
    path = [int(part) if part.isdecimal() else part for part in section.split(".")]
    values = plain(read(EXAMPLE).root)
    for part in path:
        assert isinstance(values, dict | list)
        values = values[part]  # type: ignore[index]
    assert isinstance(values, dict)
    assert list(values) == list(option_names(section_at(Config, path)))


def test_every_section_of_the_example_is_in_the_order_of_the_schema() -> None:
    values = plain(read(EXAMPLE).root)
    assert isinstance(values, dict)
    assert list(values) == list(option_names(Config))


def test_the_example_has_the_defaults_but_where_it_says_so() -> None:
    config = configured(EXAMPLE)
    paths = [path for path, _ in written(plain(read(EXAMPLE).root))]
    differing = {".".join(path) for path in paths if value_at(config, path) != default_of(path)}
    assert differing == NOT_DEFAULT


def test_the_keys_of_the_example_have_their_defaults() -> None:
    (key,) = configured(EXAMPLE).providers["openrouter"].keys
    (bare,) = configured("providers: {x: {enabled: false, keys: [{key: '', label: main}]}}").providers["x"].keys
    assert key == bare


def test_what_is_not_enforced_yet_is_marked_in_the_example() -> None:
    """In the comment of the option, or of the section that holds it."""
    root = read(EXAMPLE).root
    unmarked = [
        path for path, _ in written(plain(root)) if is_pending(path) and "not enforced yet" not in comments(root, path)
    ]
    assert unmarked == []


def is_pending(path: tuple[str, ...]) -> bool:
    *parents, option = path
    section = section_at(Config, parents)
    field = section.model_fields[option_names(section)[option]]
    return any(isinstance(mark, Pending) for mark in field.metadata)


def comments(root: Node, path: tuple[str, ...]) -> str:
    """The comments right above an option and above the sections that hold it, with line ends as blanks."""
    lines = EXAMPLE.splitlines()
    found: list[str] = []
    for end in range(1, len(path) + 1):
        key_line = line_of(root, path[:end])
        above = takewhile(lambda line: line.lstrip().startswith("#"), reversed(lines[: (key_line or 1) - 1]))
        found += reversed([line.strip(" #") for line in above])
    return " ".join(found)
