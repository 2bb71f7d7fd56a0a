"""The bodies of /api/config and /api/providers. The options in them are checked by the configuration's own schema."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from relay.core.configuring.shown import MAX_TEXT_BYTES
from relay.web.accounts.bodies import Body

Label = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Options = dict[str, Any]


class ConfigBody(Body):
    """PUT /api/config, POST /api/config/check: the text, or the document; masks stand for what is stored."""

    text: Annotated[str, Field(max_length=MAX_TEXT_BYTES)] | None = None
    document: Options | None = None


class RollbackBody(Body):
    """POST /api/config/rollback"""

    version: Label


class ProviderBody(Body):
    """POST /api/providers"""

    name: Label
    options: Options
    position: Annotated[int, Field(ge=0, le=10_000)] | None = None


class ProviderChangeBody(Body):
    """PATCH /api/providers/{name}: `options` is a merge patch (RFC 7396)."""

    name: Label | None = None
    options: Options = Field(default_factory=dict)


class OrderBody(Body):
    """POST /api/providers/order"""

    names: Annotated[list[Label], Field(max_length=10_000)]


class KeysBody(Body):
    """POST /api/providers/{name}/keys: one key's options, or a text to import."""

    key: Options | None = None
    text: Annotated[str, Field(max_length=2**20)] | None = None


class KeyChangeBody(Body):
    """PATCH /api/providers/{name}/keys/{label}: `options` is a merge patch."""

    options: Options


class TestBody(Body):
    """POST /api/providers/{name}/test"""

    model: Annotated[str, StringConstraints(max_length=256)] = ""
