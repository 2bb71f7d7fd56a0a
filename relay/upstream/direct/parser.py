"""Answers as they arrive on a connection: where the head ends, what of the bytes is body, and where the body ends.

    RFC 9112, 6 "Message Body", 8 "Handling Incomplete Messages"; RFC 9110, 15.2 "Informational 1xx"

llhttp (by way of httptools) takes HTTP apart, strictly. Pure: bytes in, an answer out.
"""

from __future__ import annotations

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict, CIMultiDictProxy

from relay import faults
from relay.upstream.transport import Head

MAX_HEADER_BYTES = 64 * 1024
"""All names and values of one head together."""
MAX_HEADERS = 200
MAX_BODILESS_BYTES = 256 * 1024
"""Of a head with all interim ones before it, and of what comes between two bytes of a body: extensions, trailers."""


class AnswerParser:
    """One connection's answers, one after the other: `expect` makes it ready for the next."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append  # httptools calls what is here under this name: no detour through Python.
        self._parser = HttpResponseParser(self)
        self.expect()

    def expect(self) -> None:
        """Whatever comes now belongs to a new answer."""
        self._pieces.clear()
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._header_bytes = 0
        self._bodiless_bytes = 0
        self.waiting_bytes = 0
        """Received since the last `take`: a bound on what of the body is held here."""
        self.head: Head | None = None
        self.is_complete = False
        """The answer's end has been seen."""
        self.is_reusable = False
        """It is complete, and the connection may serve another."""

    def feed(self, data: bytes | memoryview) -> None:
        """Take what has arrived. Raises UpstreamError (`upstream_protocol`); the body up to there can be taken."""
        self.waiting_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.is_reusable = False
            if not self.is_complete:
                raise faults.protocol() from error
        self._bodiless_bytes = 0 if self._pieces else self._bodiless_bytes + len(data)
        if self._bodiless_bytes > MAX_BODILESS_BYTES and not self.is_complete:
            raise faults.protocol()

    @property
    def has_begun(self) -> bool:
        """Something of the answer has come."""
        return self.head is not None or self._bodiless_bytes > 0

    def take(self) -> bytes:
        """What of the body has arrived; b"" where nothing has."""
        pieces = self._pieces
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self.waiting_bytes = 0
        return data

    @property
    def ends_with_connection(self) -> bool:
        """Nothing in its head says how long the answer is: an orderly end of the connection ends it."""
        if self.head is None:
            return False
        headers = self.head.headers
        return "Content-Length" not in headers and "Transfer-Encoding" not in headers

    def on_message_begin(self) -> None:
        """Called by httptools."""
        if self.is_complete:
            raise HttpParserError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by httptools, for trailers too; those are nobody's business."""
        if self.head is not None:
            return
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MAX_HEADER_BYTES or len(self._headers) >= MAX_HEADERS:
            raise HttpParserError("a head that is too large")
        text = value.rstrip(b" \t")  # White space round a value is no part of it; llhttp strips the leading one.
        self._headers.add(name.decode("utf-8", "surrogateescape"), text.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        """Called by httptools."""
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = CIMultiDict()  # Interim: the answer is still to come.
            self._header_bytes = 0
            return
        coding = ", ".join(self._headers.getall("Transfer-Encoding", ()))
        if coding.strip().lower() not in ("", "chunked"):
            raise HttpParserError("a transfer coding that can't be undone")
        self.head = Head(status, CIMultiDictProxy(self._headers))

    def on_message_complete(self) -> None:
        """Called by httptools."""
        if self.head is not None:
            self.is_complete = True
            self.is_reusable = self._parser.should_keep_alive()
