"""The dialects that the relay speaks: a new one is a file beside this one and a row here."""

from __future__ import annotations

from collections.abc import Mapping

from relay.formats import anthropic_messages, openai_chat, openai_responses
from relay.formats.dialect import DialectParts
from relay.model import Dialect

DIALECTS: Mapping[Dialect, DialectParts] = {
    Dialect.CHAT: openai_chat.PARTS,
    Dialect.RESPONSES: openai_responses.PARTS,
    Dialect.MESSAGES: anthropic_messages.PARTS,
}
