from __future__ import annotations

import pytest

from relay.web.middleware.request_id import chosen_request_id


def new_id() -> str:
    return "req_new"


@pytest.mark.parametrize("sent", ["a", "0", "req_1-2.3:4", "A-Z_a.z:9", "a" * 128])
def test_a_sane_id_is_the_clients_own(sent: str) -> None:
    assert chosen_request_id(sent, new_id) == sent


@pytest.mark.parametrize(
    "sent",
    [
        "",
        " ",
        "a b",
        "a" * 129,
        "a\n",
        "a\r\nX-Evil: 1",
        "\0",
        "ü",
        "模",
        "٣",  # A digit to str.isdigit, and to \\d.
        "a/b",
        "a,b",
        '"a"',
        "<script>",
        "caf\udce9",
    ],
)
def test_any_other_is_replaced(sent: str) -> None:
    assert chosen_request_id(sent, new_id) == "req_new"


def test_no_id_is_made_where_none_is_needed() -> None:
    def never() -> str:
        raise AssertionError("an id was made")

    assert chosen_request_id("mine", never) == "mine"
