"""Who may change the configuration over HTTP. Pure; why it is no admin: docs/adr/0018-who-configures.md."""

from __future__ import annotations

from relay.errors import Forbidden
from relay.model import Principal, Role

_WHO = "Only a super admin may change the configuration or check another one; the access key may until there is one."


def assert_may_configure(principal: Principal, *, has_super_admin: bool) -> None:
    """Super admins may, and the operator with an access key while nobody is one. Raises Forbidden."""
    is_operator = principal.user_id is None and principal.role >= Role.ADMIN
    if principal.role < Role.SUPER_ADMIN and (has_super_admin or not is_operator):
        raise Forbidden(_WHO)
