from __future__ import annotations

import pytest

from tests.config.parsing import configured, problem


@pytest.mark.parametrize(
    ("text", "line", "path", "words"),
    [
        (
            "server:\n  access_key:\n  - {name: a, key: k}\n  - {name: A, key: l}\n",
            4,
            "server.access_key[1].name",
            "is 'A' like that of another access key",
        ),
        ("providers:\n  x: {}\n  X: {}\n", 3, "providers.X", "differs from another provider's name in its case only"),
        (
            "providers:\n  x:\n    keys:\n    - {key: a, label: key-2}\n    - {key: b}\n",
            5,
            "providers.x.keys[1].label",
            "is 'key-2' like that of another key of this provider",
        ),
        (
            "providers:\n  x:\n    headers:\n      X-A: a\n      x-a: b\n",
            5,
            "providers.x.headers.x-a",
            "is written twice",
        ),
        (
            "providers:\n  x:\n    keys:\n    - key: ${KEY:-}\n",
            4,
            "providers.x.keys[0].key",
            "is empty: give the key, or disable it or its provider (enabled: false)",
        ),
        (
            "server:\n  access_key: secret-of-both\nmetrics:\n  token: secret-of-both\n",
            4,
            "metrics.token",
            "is the same as the access key 'access-key', which opens everything",
        ),
        (
            "providers:\n  x: {default: true}\n  y: {default: true, enabled: false}\n  z: {default: true}\n",
            4,
            "providers.z.default",
            "is true here and at 'x'",
        ),
    ],
)
def test_what_does_not_fit_together_is_told_at_its_line(text: str, line: int, path: str, words: str) -> None:
    found = problem(text)
    assert (found.line, found.path) == (line, path)
    assert words in found.message
    assert "secret-of-both" not in found.message


@pytest.mark.parametrize(
    "text",
    [
        "providers: {x: {enabled: false, keys: [{key: ''}]}}",
        "providers: {x: {keys: [{key: '', enabled: false}, {key: a}]}}",
        "providers: {x: {keys: []}}",
        "providers: {x: {keys: [{key: a, label: main}]}, y: {keys: [{key: a, label: main}]}}",
        "providers: {x: {default: true, enabled: false}, y: {default: true}}",
    ],
)
def test_what_fits_together_is_accepted(text: str) -> None:
    assert configured(text).providers


@pytest.mark.parametrize(
    "text",
    [
        "metrics: {token: ''}\nserver: {access_key: [{name: a, key: ''}]}",
        "metrics: {token: t}\nserver: {access_key: k}",
    ],
)
def test_a_token_for_scrapers_may_differ_from_every_key_or_be_none(text: str) -> None:
    assert configured(text).server.port == 8787
