"""Access tokens: what is signed is read, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.tokens import LEEWAY_S, MAX_CHARACTERS, AccessToken, TokenSigner, looks_like_token

SECRET, OTHER = b"0123456789abcdef" * 2, b"fedcba9876543210" * 2
NOW_S = 1_800_000_000
SIGNER = TokenSigner([SECRET])
HEADER: dict[str, Any] = {"alg": "HS256", "typ": "JWT"}
CLAIMS: dict[str, Any] = {
    "iss": "monorelay",
    "sub": "7",
    "sid": "session",
    "iat": NOW_S,
    "exp": NOW_S + 3600,
    "jti": "one",
    "type": "access",
}


def signed(signer: TokenSigner = SIGNER, *, user_id: int = 7, lives_s: int = 3600) -> str:
    return signer.sign(user_id, "session", issued_at_s=NOW_S, expires_at_s=NOW_S + lives_s, token_id="one")


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def forged(
    header: Any = HEADER, claims: Any = CLAIMS, *, secret: bytes = SECRET, digest: str = "sha256", signature: str = ""
) -> str:
    """A token put together by hand, validly signed unless something else is asked for."""
    head = header if isinstance(header, bytes) else orjson.dumps(header)
    body = claims if isinstance(claims, bytes) else orjson.dumps(claims)
    text = f"{part(head)}.{part(body)}"
    return f"{text}.{signature or part(hmac.digest(secret, text.encode(), digest))}"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CLAIMS.items() if key != name}


def test_a_token_says_what_was_signed() -> None:
    assert SIGNER.read(signed(), now_s=NOW_S) == AccessToken(7, "session", NOW_S + 3600)


def test_a_token_put_together_by_hand_is_the_same_token() -> None:
    """So that the variants below fail for what they vary, and for nothing else."""
    assert SIGNER.read(forged(), now_s=NOW_S) == AccessToken(7, "session", NOW_S + 3600)


@pytest.mark.parametrize(
    ("now_s", "is_valid"),
    [
        (NOW_S - LEEWAY_S - 1, False),
        (NOW_S - LEEWAY_S, True),
        (NOW_S + 3600 + LEEWAY_S - 1, True),
        (NOW_S + 3600 + LEEWAY_S, False),
    ],
)
def test_a_token_lives_its_time_and_a_leeway(now_s: int, is_valid: bool) -> None:
    assert (SIGNER.read(signed(), now_s=now_s) is not None) is is_valid


def test_the_first_secret_signs_and_all_verify() -> None:
    old, both, new = SIGNER, TokenSigner([OTHER, SECRET]), TokenSigner([OTHER])
    assert both.read(signed(old), now_s=NOW_S) is not None
    assert new.read(signed(both), now_s=NOW_S) is not None
    assert new.read(signed(old), now_s=NOW_S) is None


@pytest.mark.parametrize("secrets", [[], [b"short"], [SECRET, b"0123456789abcdef0123456789abcde"], [b""]])
def test_a_short_secret_signs_nothing(secrets: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        TokenSigner(secrets)


GOOD = forged()
HEAD, BODY, SIGNATURE = GOOD.split(".")
PUBLIC_KEY = b"-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----\n"
VARIANTS: dict[str, str] = {
    "empty": "",
    "dots": "..",
    "one part": HEAD,
    "two parts": f"{HEAD}.{BODY}",
    "four parts": f"{GOOD}.{SIGNATURE}",
    "five parts, a JWE's": f"{GOOD}.{SIGNATURE}.{SIGNATURE}",
    "no signature": f"{HEAD}.{BODY}.",
    "no header": f".{BODY}.{SIGNATURE}",
    "no claims": f"{HEAD}..{SIGNATURE}",
    "alg none, no signature": part(orjson.dumps({"alg": "none", "typ": "JWT"})) + f".{BODY}.",
    "alg none, a signature": forged({"alg": "none", "typ": "JWT"}),
    "alg None": forged({"alg": "None", "typ": "JWT"}),
    "alg NONE": forged({"alg": "NONE", "typ": "JWT"}),
    "alg nOnE": forged({"alg": "nOnE", "typ": "JWT"}),
    "alg empty": forged({"alg": "", "typ": "JWT"}),
    "alg null": forged({"alg": None, "typ": "JWT"}),
    "alg a list": forged({"alg": ["HS256"], "typ": "JWT"}),
    "alg missing": forged({"typ": "JWT"}),
    "alg hs256": forged({"alg": "hs256", "typ": "JWT"}),
    "alg HS384": forged({"alg": "HS384", "typ": "JWT"}, digest="sha384"),
    "alg HS512": forged({"alg": "HS512", "typ": "JWT"}, digest="sha512"),
    "alg HS256 but signed by SHA-512": forged(digest="sha512"),
    "alg RS256, signed with the secret": forged({"alg": "RS256", "typ": "JWT"}),
    "alg ES256": forged({"alg": "ES256", "typ": "JWT"}),
    "alg EdDSA": forged({"alg": "EdDSA", "typ": "JWT"}),
    "signed with a public key": forged(secret=PUBLIC_KEY),
    "signed with another secret": forged(secret=OTHER),
    "signed with an empty secret": forged(secret=b""),
    "signed with a hash of the secret": forged(secret=hashlib.sha256(SECRET).digest()),
    "typ missing": forged({"alg": "HS256"}),
    "typ at+jwt": forged({"alg": "HS256", "typ": "at+jwt"}),
    "typ jwt": forged({"alg": "HS256", "typ": "jwt"}),
    "typ null": forged({"alg": "HS256", "typ": None}),
    "kid": forged({**HEADER, "kid": "../../dev/null"}),
    "kid that is SQL": forged({**HEADER, "kid": "' UNION SELECT 'x"}),
    "jwk": forged({**HEADER, "jwk": {"kty": "oct", "k": "AAAA"}}),
    "jku": forged({**HEADER, "jku": "http://127.0.0.1/keys"}),
    "x5u": forged({**HEADER, "x5u": "http://127.0.0.1/cert"}),
    "crit": forged({**HEADER, "crit": ["exp"]}),
    "b64 false": forged({**HEADER, "b64": False, "crit": ["b64"]}),
    "zip": forged({**HEADER, "zip": "DEF"}),
    "cty": forged({**HEADER, "cty": "JWT"}),
    "header a list": forged([]),
    "header no JSON": forged(b"{"),
    "header no text": forged(b"\xff\xfe"),
    "claims a list": forged(claims=[]),
    "claims a text": forged(claims="7"),
    "claims no JSON": forged(claims=b"{"),
    "claims no text": forged(claims=b"\xff"),
    "claims too deep": forged(claims=b"[" * 3000 + b"]" * 3000),
    **{f"no {name}": forged(claims=without(name)) for name in CLAIMS},
    "iss another": forged(claims={**CLAIMS, "iss": "other"}),
    "iss a list": forged(claims={**CLAIMS, "iss": ["monorelay"]}),
    "type refresh": forged(claims={**CLAIMS, "type": "refresh"}),
    "type null": forged(claims={**CLAIMS, "type": None}),
    "sub a number": forged(claims={**CLAIMS, "sub": 7}),
    "sub empty": forged(claims={**CLAIMS, "sub": ""}),
    "sub no number": forged(claims={**CLAIMS, "sub": "7 OR 1=1"}),
    "sub with a sign": forged(claims={**CLAIMS, "sub": "-7"}),
    "sub other digits": forged(claims={**CLAIMS, "sub": "٧"}),
    "sub too long": forged(claims={**CLAIMS, "sub": "9" * 4000}),
    "sub a line end": forged(claims={**CLAIMS, "sub": "7\n"}),
    "sid a number": forged(claims={**CLAIMS, "sid": 1}),
    "iat a text": forged(claims={**CLAIMS, "iat": str(NOW_S)}),
    "iat a fraction": forged(claims={**CLAIMS, "iat": NOW_S + 0.5}),
    "iat in the future": forged(claims={**CLAIMS, "iat": NOW_S + 3000}),
    "exp a text": forged(claims={**CLAIMS, "exp": str(NOW_S + 3600)}),
    "exp true": forged(claims={**CLAIMS, "exp": True}),
    "exp null": forged(claims={**CLAIMS, "exp": None}),
    "exp a fraction": forged(claims={**CLAIMS, "exp": NOW_S + 0.5}),
    "exp passed": forged(claims={**CLAIMS, "iat": NOW_S - 7200, "exp": NOW_S - 3600}),
    "exp negative": forged(claims={**CLAIMS, "exp": -1}),
    "exp beyond reason": forged(claims=orjson.dumps(without("exp"))[:-1] + b',"exp":1' + b"0" * 400 + b".5}"),
    "padded": f"{HEAD}=.{BODY}.{SIGNATURE}",
    "padded signature": f"{GOOD}=",
    "other alphabet": GOOD.replace("-", "+").replace("_", "/") + "+",
    "white space inside": f"{HEAD}. {BODY}.{SIGNATURE}",
    "line end behind": f"{GOOD}\n",
    "blank in front": f" {GOOD}",
    "NUL behind": f"{GOOD}\0",
    "not ASCII": f"{HEAD}.{BODY}.é{SIGNATURE}",
    "surrogate": f"{HEAD}.{BODY}.\udc80{SIGNATURE}",
    "cut signature": GOOD[:-1],
    "longer signature": f"{GOOD}A",
    "other spelling of the signature": GOOD[:-1] + chr(ord(GOOD[-1]) + 1),
    "upper case": GOOD.upper(),
    "flattened JSON form": orjson.dumps({"protected": HEAD, "payload": BODY, "signature": SIGNATURE}).decode(),
    "too long": forged(claims={**CLAIMS, "pad": "x" * MAX_CHARACTERS}),
    "an API key": "sk-mr-" + "a" * 43,
}


def test_there_are_enough_variants() -> None:
    assert len(VARIANTS) >= 60


@pytest.mark.parametrize("name", VARIANTS)
def test_no_variant_is_read(name: str) -> None:
    assert SIGNER.read(VARIANTS[name], now_s=NOW_S) is None


def test_a_token_of_another_kind_of_the_same_secret_is_not_read() -> None:
    text = jwt.encode({**CLAIMS, "aud": "other"}, SECRET, "HS256", headers=HEADER)
    assert SIGNER.read(text, now_s=NOW_S) is None


@given(text=st.text(max_size=200))
def test_no_text_is_read_and_none_raises(text: str) -> None:
    assert SIGNER.read(text, now_s=NOW_S) is None


@given(place=st.integers(0, len(GOOD) - 1), sign=st.characters())
def test_no_sign_can_be_changed(place: int, sign: str) -> None:
    changed = GOOD[:place] + sign + GOOD[place + 1 :]
    assert (SIGNER.read(changed, now_s=NOW_S) is not None) is (changed == GOOD)


@pytest.mark.parametrize(
    ("text", "is_one"), [(GOOD, True), ("a.b.c", True), ("a.b", False), ("a.b.c" + "c" * 9000, False)]
)
def test_its_shape_is_seen_before_anything_is_decoded(text: str, is_one: bool) -> None:
    assert looks_like_token(text) is is_one
