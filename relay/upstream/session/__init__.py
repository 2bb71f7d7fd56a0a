"""The transport over aiohttp's ClientSession: slower than `direct`, and more forgiving of bent HTTP.

It serves providers whose `http_client` is `aiohttp`.
"""

from relay.upstream.session.call import SessionTransport
from relay.upstream.session.sessions import open_sessions

__all__ = ["SessionTransport", "open_sessions"]
