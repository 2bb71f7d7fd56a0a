from __future__ import annotations

from typing import Any

import pytest

from relay.core.configuring.guarding import GUARDED, assert_may_change
from relay.errors import Forbidden
from relay.model import Principal, Role

ADMIN = Principal("ann", Role.ADMIN, user_id=1)
SUPER_ADMIN = Principal("root", Role.SUPER_ADMIN, user_id=2)
OPERATOR = Principal("access-key", Role.ADMIN)


def nested(path: tuple[str, ...], value: object) -> object:
    for name in reversed(path):
        value = {name: value}
    return value


@pytest.mark.parametrize("path", GUARDED, ids=".".join)
def test_what_is_guarded_only_the_highest_may_change(path: tuple[str, ...]) -> None:
    before, after = nested(path, "x"), nested(path, "y")
    with pytest.raises(Forbidden, match=".".join(path)):
        assert_may_change(ADMIN, before, after)
    with pytest.raises(Forbidden):
        assert_may_change(ADMIN, before, {})
    for highest in (SUPER_ADMIN, OPERATOR):
        assert_may_change(highest, before, after)
    assert_may_change(ADMIN, before, {**after_of(before), "providers": {"x": {}}})


def after_of(before: object) -> dict[str, Any]:
    assert isinstance(before, dict)
    return dict(before)


@pytest.mark.parametrize("value", ["file:/etc/shadow", "${DATABASE_PASSWORD}", "Bearer ${X}", "a${X:-b}"])
def test_what_is_elsewhere_on_the_machine_is_not_newly_referred_to(value: str) -> None:
    after = {"providers": {"p": {"keys": [{"key": value}]}}}
    with pytest.raises(Forbidden):
        assert_may_change(ADMIN, {"providers": {}}, after)
    moved = {"providers": {"q": {"keys": [{"key": value, "weight": 2}]}}}
    assert_may_change(ADMIN, after, moved)
    assert_may_change(OPERATOR, {}, after)


def test_ordinary_options_are_an_admins_own() -> None:
    assert_may_change(ADMIN, {"server": {"port": 1}}, {"server": {"port": 2}, "model_routing": {"aliases": {"a": "b"}}})
