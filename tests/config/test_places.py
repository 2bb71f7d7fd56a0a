from __future__ import annotations

import pytest

from relay.config.document import read
from relay.config.places import line_of, written_path

ROOT = read("""\
server:
  port: 1
aliases:
  fast: [a, b]
  slow: a
keys:
- key: a

- key: b
""").root


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), None),
        (("absent",), None),
        (("server",), 1),
        (("server", "port"), 2),
        (("server", "port", "deeper"), 2),
        (("server", "host"), 1),
        (("server", 0), 1),
        (("keys", 1), 9),
        (("keys", 1, "label"), 9),
        (("keys", 2), 6),
        (("keys", "x"), 6),
    ],
)
def test_the_line_is_that_of_the_nearest_key_in_the_file(path: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(ROOT, path) == line


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("aliases", "fast", "targets", 1, "model"), ("aliases", "fast", 1)),
        (("aliases", "slow", "targets", 0, "model"), ("aliases", "slow")),
        (("aliases", "slow", "[key]"), ("aliases", "slow")),
        (("keys", 0, "key"), ("keys", 0, "key")),
    ],
)
def test_what_the_file_does_not_say_is_left_out(location: tuple[str | int, ...], path: tuple[str | int, ...]) -> None:
    assert written_path(ROOT, location) == path
