"""Content codings of an answer (RFC 9110, 8.4.1): undone as bytes arrive, never more than a piece at a time.

The relay asks for `identity`; this is for providers and proxies that compress all the same. Pure.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

from relay import faults

PIECE_BYTES = 256 * 1024
"""The most that one step of decoding gives: a small compressed body can't become a large allocation."""
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class Decoder(Protocol):
    """Undoes one coding. Both methods raise UpstreamError (`upstream_protocol`) for corrupt input."""

    def decode(self, data: bytes, /) -> Iterator[bytes]:
        """Pieces that `data` completes."""
        ...

    def flush(self) -> None:
        """The input has ended: raise if it was cut short."""
        ...


class Identity:
    """No coding."""

    def decode(self, data: bytes, /) -> Iterator[bytes]:
        yield data

    def flush(self) -> None:
        """Nothing is ever held."""


class Inflate:
    """gzip (several members in a row included) and deflate with its zlib header."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._inflater = zlib.decompressobj(window_bits)
        self._has_input = False

    def decode(self, data: bytes, /) -> Iterator[bytes]:
        try:
            while data:
                if self._inflater.eof:
                    self._inflater = zlib.decompressobj(self._window_bits)
                self._has_input = True
                piece = self._inflater.decompress(data, PIECE_BYTES)
                data = self._inflater.unconsumed_tail or self._inflater.unused_data
                if piece:
                    yield piece
        except zlib.error as error:
            raise faults.protocol() from error

    def flush(self) -> None:
        if self._has_input and not self._inflater.eof:
            raise faults.disconnected()


def decoder_for(content_encoding: str) -> Decoder:
    """The decoder for a Content-Encoding header. Raises UpstreamError for one that the relay can't undo."""
    coding = content_encoding.strip().lower()
    if coding in ("", "identity"):
        return Identity()
    if coding in ("gzip", "x-gzip"):
        return Inflate(_GZIP_WINDOW)
    if coding == "deflate":
        return Inflate(zlib.MAX_WBITS)
    raise faults.protocol()
