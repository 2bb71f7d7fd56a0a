from __future__ import annotations

import pytest

from relay.core.configuring.authority import assert_may_configure
from relay.errors import Forbidden
from relay.model import Principal, Role

OPERATOR = Principal("access-key", Role.ADMIN)
MAY = {
    "a super admin": (Principal("root", Role.SUPER_ADMIN, user_id=1), True),
    "the operator while there is no super admin": (OPERATOR, False),
}
MAY_NOT = {
    "the operator once there is a super admin": (OPERATOR, True),
    "an admin": (Principal("ann", Role.ADMIN, user_id=2), True),
    "an admin whose super admin is gone": (Principal("ann", Role.ADMIN, user_id=2), False),
    "a user": (Principal("bob", Role.USER, user_id=3), False),
    "something without an account and without rights": (Principal("scraper", Role.USER), False),
}


@pytest.mark.parametrize("who", MAY)
def test_these_may(who: str) -> None:
    principal, has_super_admin = MAY[who]
    assert_may_configure(principal, has_super_admin=has_super_admin)


@pytest.mark.parametrize("who", MAY_NOT)
def test_these_may_not_and_are_told_who_may(who: str) -> None:
    principal, has_super_admin = MAY_NOT[who]
    with pytest.raises(Forbidden, match="Only a super admin"):
        assert_may_configure(principal, has_super_admin=has_super_admin)
