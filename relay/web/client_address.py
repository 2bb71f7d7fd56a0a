"""Where a request comes from: the peer's address, or what a trusted proxy says of it.

    X-Forwarded-For: client, proxy1, proxy2        each proxy adds whom it saw, at the end

It is read from its end, as far as trusted proxies wrote it: everything in front of that is the client's own claim.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+|\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?")


class ProxyTrust:
    """The networks of `server.trusted_proxies`."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(ip_network(network, strict=False) for network in networks)
        self.is_known = lru_cache(maxsize=4096)(self._is_known)
        """Whether an address is a trusted proxy's or this machine's own: then it may stand for many clients."""

    def _is_known(self, text: str) -> bool:
        address = _address(text)
        return address is not None and (address.is_loopback or self._covers(address))

    def _covers(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def client(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """The client's address. `forwarded_for` are the values of all X-Forwarded-For headers, in order."""
        seen = peer.removeprefix("::ffff:")
        if not (self._networks and forwarded_for) or not self._is_proxy(peer):
            return seen
        for text in reversed(", ".join(forwarded_for).split(",")):
            address = _address(text.strip())
            if address is None:
                break
            seen = str(address)
            if not self._covers(address):
                break
        return seen

    def _is_proxy(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and self._covers(address)


def _address(text: str) -> Address | None:
    """An address, an IPv4 one that IPv6 wraps as itself; None: the text is none. Some proxies add a port."""
    with_port = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address(next(filter(None, with_port.groups())) if with_port else text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
