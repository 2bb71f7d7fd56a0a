from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import UpstreamError
from relay.upstream.coding import PIECE_BYTES, decoder_for
from tests.support.scripted import cut

TEXT = b'data: {"delta": "h\xc3\xa9"}\n\n' * 200


def raw_deflate(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflater.compress(data) + deflater.flush()


def decoded(coding: str, pieces: Iterable[bytes]) -> bytes:
    """All that comes out, once the input has ended."""
    decoder = decoder_for(coding)
    out = b"".join(piece for data in pieces for piece in decoder.decode(data))
    decoder.flush()
    return out


def failure(coding: str, data: bytes) -> str | None:
    with pytest.raises(UpstreamError) as caught:
        decoded(coding, [data])
    return caught.value.facts.code


def unchanged(data: bytes) -> bytes:
    return data


CODINGS = [
    ("", unchanged),
    ("identity", unchanged),
    ("Identity", unchanged),
    ("gzip", gzip.compress),
    (" GZIP ", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
]


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_a_known_coding_is_undone(coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert decoded(coding, [encode(TEXT)]) == TEXT


@pytest.mark.parametrize(("coding", "encode"), CODINGS)
def test_it_is_undone_as_well_when_each_byte_comes_alone(coding: str, encode: Callable[[bytes], bytes]) -> None:
    data = encode(TEXT)
    assert decoded(coding, [data[at : at + 1] for at in range(len(data))]) == TEXT


@pytest.mark.parametrize("coding", [coding for coding, _ in CODINGS])
def test_an_answer_without_a_body_has_nothing_to_undo(coding: str) -> None:
    assert decoded(coding, []) == b""


def test_gzip_members_in_a_row_are_one_body() -> None:
    assert (
        decoded(
            "gzip", [gzip.compress(b"one ", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"two", mtime=0)]
        )
        == b"one two"
    )


def test_a_flushed_part_comes_out_before_the_rest_arrives() -> None:
    deflater = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    first = deflater.compress(b"data: 1\n\n") + deflater.flush(zlib.Z_SYNC_FLUSH)
    assert b"".join(decoder_for("gzip").decode(first)) == b"data: 1\n\n"


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, br", "gzip, gzip", "*", "gzip;q=1"])
def test_an_unknown_coding_is_refused(coding: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        decoder_for(coding)
    assert caught.value.facts.code == "upstream_protocol"


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", TEXT),
        ("gzip", b"\x1f\x8b\x08\x00" + b"\xff" * 40),
        ("gzip", gzip.compress(TEXT, mtime=0)[:-8] + b"\0" * 8),
        ("gzip", gzip.compress(TEXT, mtime=0) + b"rubbish"),
        ("gzip", zlib.compress(TEXT)),
        ("deflate", TEXT),
        ("deflate", gzip.compress(TEXT, mtime=0)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate", zlib.compress(TEXT)[:-4] + b"\0" * 4),
    ],
)
def test_corrupt_data_are_a_protocol_error(coding: str, data: bytes) -> None:
    assert failure(coding, data) == "upstream_protocol"


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
@pytest.mark.parametrize("kept", [1, 2, 9, 30, -9, -8, -4, -1])
def test_data_that_were_cut_short_are_a_break(coding: str, encode: Callable[[bytes], bytes], kept: int) -> None:
    assert failure(coding, encode(TEXT)[:kept]) == "upstream_disconnected"


def test_a_second_member_that_was_cut_short_is_a_break() -> None:
    assert failure("gzip", gzip.compress(TEXT, mtime=0) + gzip.compress(TEXT, mtime=0)[:20]) == "upstream_disconnected"


@pytest.mark.parametrize(("coding", "encode"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_bomb_comes_out_in_bounded_pieces(coding: str, encode: Callable[[bytes], bytes]) -> None:
    zeros = bytes(1_000_000)
    pieces = list(decoder_for(coding).decode(encode(zeros)))
    assert b"".join(pieces) == zeros
    assert max(map(len, pieces)) <= PIECE_BYTES


def test_a_bomb_is_not_undone_further_than_it_is_asked_for() -> None:
    pieces = decoder_for("gzip").decode(gzip.compress(bytes(1_000_000)) + b"rubbish")
    assert len(next(pieces)) == PIECE_BYTES  # All of it at once would have met the rubbish.


@given(
    parts=st.lists(st.binary(max_size=300), min_size=1, max_size=3),
    places=st.sets(st.integers(0, 1000)),
    level=st.integers(0, 9),
)
def test_wherever_gzip_is_cut_the_bytes_are_the_same(parts: list[bytes], places: set[int], level: int) -> None:
    data = b"".join(gzip.compress(part, level, mtime=0) for part in parts)
    assert decoded("gzip", cut(data, places)) == b"".join(parts)


@given(size=st.integers(PIECE_BYTES - 300, 3 * PIECE_BYTES), places=st.sets(st.integers(0, 1200), max_size=8))
def test_wherever_a_large_body_is_cut_the_bytes_are_the_same(size: int, places: set[int]) -> None:
    body = b"0123456789" * (size // 10)
    assert decoded("deflate", cut(zlib.compress(body), places)) == body
