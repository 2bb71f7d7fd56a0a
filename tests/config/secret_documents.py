"""Generated configurations with secrets at every place that the schema has for one, in every form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

SECRETS = st.one_of(
    st.text("abcdefgh0123456789-_", min_size=16, max_size=60).map(lambda text: f"sk-{text}"),
    st.text("ABCDEFGHIJK+/=", min_size=8, max_size=19),
    st.text("xyz uvw#:{}[],&*!|>'\"%@`é😀", min_size=8, max_size=40).filter(lambda text: "://" not in text),
    st.just("postgresql+asyncpg://user:hunter22@host/name"),
)
OTHERS = ["", "${KEY}", "${KEY:-}", "file:${DIR}/key", "Bearer ${KEY}"]
LABELS = ["one", "two", "a b", "ü"]


class Secretive(NamedTuple):
    """A text and the secrets in it."""

    text: str
    secrets: list[str]


@st.composite
def secretive_texts(draw: Draw) -> Secretive:
    """Block style and braces, quotes and none, comments that hold no secret."""
    secrets: list[str] = []

    def secret() -> str:
        if draw(st.integers(0, 4)) == 0:
            return written(draw(st.sampled_from(OTHERS)))
        secrets.append(draw(SECRETS))
        return written(secrets[-1])

    def written(text: str) -> str:
        forms = [json.dumps(text), f"'{text.replace(chr(39), chr(39) * 2)}'"]
        return str(draw(st.sampled_from([text] if text.startswith("sk-") else forms)))

    def key(label: str | None) -> str:
        named = "" if label is None else f"label: {label}"
        form = draw(st.integers(0, 3))
        if form == 0:
            return f"      - {{key: {secret()}{', ' if named else ''}{named}}} # c\n"
        if form == 1:
            return f"      - key: {secret()}  # c\n" + (f"        {named}\n" if named else "")
        if form == 2:
            return f"      -\n        # c\n        {named or 'weight: 1'}\n        key:   {secret()}\n"
        secrets.append(draw(SECRETS).strip() or "sk-12345678")
        return f"      - key: |-\n          {secrets[-1]}\n" + (f"        {named}\n" if named else "")

    def provider(name: str) -> str:
        labels = draw(st.lists(st.sampled_from(LABELS), unique=True, max_size=3))
        keys = [key(label) for label in labels] + [key(None) for _ in range(draw(st.integers(0, 2)))]
        draw(st.randoms(use_true_random=False)).shuffle(keys)
        text = f"  {name}:\n    base_url: https://{name}.example/v1\n    proxy: {secret()}\n"
        text += f"    keys:\n{''.join(keys)}" if keys else "    keys: []\n"
        return text + f"    headers: {{X-A: {secret()}, X-B: {secret()}}}\n\n"

    access = draw(st.sampled_from(["one", "list"]))
    text = f"# c\nserver:\n  access_key: {secret()}\n" if access == "one" else (
        f"server:\n  access_key:\n    - {{name: a, key: {secret()}}}\n    - name: b\n      key: {secret()}\n"
    )  # fmt: skip
    text += f"auth: {{jwt_secret: [{secret()}, {secret()}]}}\n" if draw(st.booleans()) else ""
    text += "providers:\n" + "".join(provider(name) for name in ("a", "b"))
    return Secretive(text + f"database: {{url: {secret()}}} # c\nmetrics:\n  token: {secret()}\n", secrets)
