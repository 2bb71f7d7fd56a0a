"""Which addresses a provider may have. Pure: no name is looked up.

Private addresses and localhost are fine, since that is where local model servers are. The addresses at which clouds
hand out credentials to whoever asks are not, in whatever spelling a resolver would still understand.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import SplitResult, urlsplit

from yarl import URL

from relay.config.metadata import is_metadata

_METADATA_NAMES = frozenset(
    {"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"}
)
_PROXY = re.compile(
    r"https?://(?:(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*(?::(?:[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})*)?@)?[^\s/?#@]+/?"
)
_HOST = re.compile(r"[A-Za-z0-9._-]+")


def checked_base_url(url: str) -> str:
    """The URL without trailing slashes; "" stays. Raises ValueError without the URL, which may hold a secret."""
    if not url:
        return url
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        raise ValueError("must be a URL of plain ASCII letters, without blanks (a host in other letters: as xn--...)")
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port is malformed") from None
    _refuse_other_parts(url, parts)
    _refuse_host(host)
    _refuse_what_no_client_takes(url)
    return url.rstrip("/")


def checked_proxy(url: str) -> str:
    """The URL of an HTTP proxy, which may hold a user and a password; "" stays. Raises ValueError without the URL."""
    if not url:
        return url
    if not _PROXY.fullmatch(url):
        raise ValueError(
            "must be a URL such as http://user:password@proxy.example.org:3128; in a password other signs than "
            "letters, digits and -._~ are written as %40 and the like (what is there is not shown)"
        )
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a URL: its host or port is malformed (what is there is not shown)") from None
    _refuse_host(host)
    _refuse_what_no_client_takes(url)
    return url


def _refuse_what_no_client_takes(url: str) -> None:
    """yarl makes the URLs of calls: what it can't take, such as a malformed `xn--` name, must not wait for a call."""
    try:
        host = URL(url).host
    except (ValueError, UnicodeError):
        host = None
    if not host:
        raise ValueError("is not a URL: its host or port is malformed")


def _refuse_other_parts(url: str, parts: SplitResult) -> None:
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must begin with http:// or https:// and name a host")
    if "@" in parts.netloc:
        raise ValueError("must hold no user name or password: put credentials under 'keys' or 'headers'")
    if "?" in url or "#" in url:
        raise ValueError("must end with its path: no '?' and no '#'")


def _refuse_host(host: str) -> None:
    address = _address(host)
    if address is None and not _HOST.fullmatch(host):
        raise ValueError("must begin with http:// or https:// and name a host")
    if host.rstrip(".") in _METADATA_NAMES or (address is not None and is_metadata(address)):
        raise ValueError("must not be a link-local or metadata address: clouds hand out credentials there")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is in figures; None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # Resolvers take 2852039166, 0xA9FEA9FE, 0251.0376.0251.0376 and 169.254.43518 for addresses as well.
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None
