"""Where clouds hand out credentials to whoever asks; no provider may be there, by whatever name. Pure."""

from __future__ import annotations

import ipaddress

_METADATA_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local: AWS, Azure, GCP, Oracle, DigitalOcean, ECS task roles
        "100.100.100.200/32",  # Alibaba Cloud
        "fe80::/10",
        "fd00:ec2::254/128",  # AWS over IPv6
    )
)
_EMBEDDING_NETWORKS = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",  # IPv4-compatible, RFC 4291 2.5.5.1
        "::ffff:0:0/96",  # IPv4-mapped, RFC 4291 2.5.5.2
        "::ffff:0:0:0/96",  # IPv4-translated, RFC 2765
        "64:ff9b::/96",  # NAT64, RFC 6052
    )
)


def is_metadata(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether nothing may be asked there."""
    return any(address in network for network in _METADATA_NETWORKS) or (
        isinstance(address, ipaddress.IPv6Address) and any(is_metadata(inner) for inner in _embedded(address))
    )


def is_metadata_text(address: str) -> bool:
    """The same of an address as a resolver gives it; a zone (`fe80::1%eth0`) makes no difference."""
    return is_metadata(ipaddress.ip_address(address.partition("%")[0]))


def _embedded(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address may lead to."""
    low_bits = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    found = [low_bits] if any(address in network for network in _EMBEDDING_NETWORKS) else []
    return [*found, address.sixtofour] if address.sixtofour else found
