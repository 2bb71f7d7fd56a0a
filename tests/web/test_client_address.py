"""Whom a request comes from, whatever it says of itself."""

from __future__ import annotations

import pytest

from relay.web.client_address import ProxyTrust

PROXY, OTHER_PROXY, CLIENT, SPOOFED = "10.0.0.1", "10.0.0.2", "192.0.2.7", "203.0.113.9"
ROWS: dict[str, tuple[str, list[str], str]] = {
    "no proxy, no header": (CLIENT, [], CLIENT),
    "no proxy, a claim": (CLIENT, [SPOOFED], CLIENT),
    "no proxy, a claim to be a proxy": (CLIENT, [f"{SPOOFED}, {PROXY}"], CLIENT),
    "a proxy, no header": (PROXY, [], PROXY),
    "a proxy, an empty header": (PROXY, [""], PROXY),
    "a proxy, a client": (PROXY, [CLIENT], CLIENT),
    "a proxy, a client that claims another": (PROXY, [f"{SPOOFED}, {CLIENT}"], CLIENT),
    "a proxy, a client that claims to be a proxy": (PROXY, [f"{SPOOFED}, {OTHER_PROXY}, {CLIENT}"], CLIENT),
    "two proxies": (PROXY, [f"{CLIENT}, {OTHER_PROXY}"], CLIENT),
    "two proxies, a client that claims another": (PROXY, [f"{SPOOFED}, {CLIENT}, {OTHER_PROXY}"], CLIENT),
    "proxies all the way": (PROXY, [f"10.0.0.4, {OTHER_PROXY}"], "10.0.0.4"),
    "several headers are one list": (PROXY, [SPOOFED, CLIENT], CLIENT),
    "several headers, two proxies": (PROXY, [f"{SPOOFED}, {CLIENT}", OTHER_PROXY], CLIENT),
    "white space": (PROXY, [f"  {SPOOFED} ,\t{CLIENT}  "], CLIENT),
    "no white space": (PROXY, [f"{SPOOFED},{CLIENT}"], CLIENT),
    "garbage from the client": (PROXY, [f"unknown, {CLIENT}"], CLIENT),
    "garbage behind a proxy": (PROXY, [f"{CLIENT}, x\"><script>, {OTHER_PROXY}"], OTHER_PROXY),
    "garbage alone": (PROXY, ["unknown"], PROXY),
    "an end that is empty": (PROXY, [f"{CLIENT},"], PROXY),
    "an address with leading zeros": (PROXY, ["192.000.002.007"], PROXY),
    "IPv6": ("fd00::1", ["2001:db8::7"], "2001:db8::7"),
    "IPv6 in another spelling": ("fd00::1", ["2001:0DB8:0::0007"], "2001:db8::7"),
    "IPv6 behind an IPv4 proxy": (PROXY, ["2001:db8::7, fd00::1"], "2001:db8::7"),
    "IPv6, no proxy": ("2001:db8::7", [SPOOFED], "2001:db8::7"),
    "a proxy that IPv6 wraps": (f"::ffff:{PROXY}", [CLIENT], CLIENT),
    "a client that IPv6 wraps": (PROXY, [f"::ffff:{CLIENT}"], CLIENT),
    "a proxy in the list that IPv6 wraps": (PROXY, [f"{CLIENT}, ::ffff:{OTHER_PROXY}"], CLIENT),
    "a local socket has no address": ("", [SPOOFED], ""),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_only_what_trusted_proxies_wrote_counts(row: str) -> None:
    peer, forwarded_for, client = ROWS[row]
    assert ProxyTrust(["10.0.0.0/8", "fd00::/8"]).client(peer, forwarded_for) == client


@pytest.mark.parametrize("peer", [PROXY, "127.0.0.1", "::1"])
def test_without_trusted_proxies_the_peer_is_the_client(peer: str) -> None:
    assert ProxyTrust([]).client(peer, [SPOOFED]) == peer


def test_this_machine_is_no_proxy_unless_it_is_named() -> None:
    assert ProxyTrust(["10.0.0.0/8"]).client("127.0.0.1", [SPOOFED]) == "127.0.0.1"
    assert ProxyTrust(["127.0.0.1"]).client("127.0.0.1", [CLIENT]) == CLIENT


def test_a_network_may_be_given_by_an_address_in_it() -> None:
    assert ProxyTrust(["10.1.2.3/8"]).client("10.200.0.1", [CLIENT]) == CLIENT


def test_a_list_of_any_length_ends_at_the_first_stranger() -> None:
    forwarded_for = [f"{SPOOFED}, " * 100_000 + CLIENT]
    assert ProxyTrust(["10.0.0.0/8"]).client(PROXY, forwarded_for) == CLIENT


@pytest.mark.parametrize(
    ("address", "is_known"),
    [
        (PROXY, True),
        (f"::ffff:{PROXY}", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        (CLIENT, False),
        ("fd00::1", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_proxies_and_this_machine_are_known(address: str, is_known: bool) -> None:
    assert ProxyTrust(["10.0.0.0/8"]).is_known(address) is is_known
