"""Options that take effect with the next start: kept, and named when they change."""

from __future__ import annotations

import pytest

from relay.config.fixed import FIXED, waiting_for_restart, with_fixed
from tests.config.parsing import configured

BEGAN = "{server: {host: 127.0.0.1, port: 1}, auth: {bcrypt_cost: 4}}"


def test_each_is_an_option_of_the_schema() -> None:
    config = configured("{}")
    for section, attribute in FIXED.values():
        assert hasattr(getattr(config, section), attribute)


def test_a_new_configuration_keeps_what_was_opened_once() -> None:
    new = configured("{server: {host: '::1', port: 2, max_in_flight: 7}, auth: {bcrypt_cost: 5, registration: closed}}")
    kept = with_fixed(new, configured(BEGAN))
    assert (kept.server.host, kept.server.port, kept.auth.bcrypt_cost) == ("127.0.0.1", 1, 4)
    assert (kept.server.max_in_flight, kept.auth.registration) == (7, "closed")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (BEGAN, ()),
        ("{server: {host: 127.0.0.1, port: 2}, auth: {bcrypt_cost: 4}}", ("server.port",)),
        ("{server: {host: 127.0.0.1, port: 1, log_format: json}}", ("server.log_format", "auth.bcrypt_cost")),
    ],
)
def test_what_waits_for_a_restart_is_named(text: str, names: tuple[str, ...]) -> None:
    assert waiting_for_restart(configured(text), configured(BEGAN)) == names
