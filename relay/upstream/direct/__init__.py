"""The transport on `asyncio.Protocol`: HTTP/1.1 with a pool of connections, and nothing that relaying doesn't need.

parser      bytes of an answer -> head and body; pure, llhttp does the work
request     a request -> its bytes; pure
dialer      names, addresses, TLS: a socket that is connected
link        one connection
pool        the connections that wait for their next call
call        one exchange on a connection: deadlines, pauses, the end
transport   takes a connection, makes the call
"""

from relay.upstream.direct.transport import DirectTransport, open_direct

__all__ = ["DirectTransport", "open_direct"]
