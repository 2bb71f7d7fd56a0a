from __future__ import annotations

import pytest

from relay.config.metadata import is_metadata_text


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("100.100.100.200", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::1", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("::1", False),
        ("8.8.8.8", False),
    ],
)
def test_where_clouds_hand_out_credentials_nothing_is_asked(address: str, is_refused: bool) -> None:
    assert is_metadata_text(address) is is_refused
