"""What may be changed of the conversation in a request: its system prompt, and its tools. A table, dialect -> parts.

Nothing here changes the body that it is given; what it does not understand it leaves to the provider to complain of.
"""

from __future__ import annotations

from collections.abc import Mapping

from relay.formats.conversations import chat, messages, responses
from relay.formats.conversations.parts import Body, ConversationParts, Placement
from relay.model import Dialect

__all__ = ["CONVERSATIONS", "Body", "ConversationParts", "Placement"]

CONVERSATIONS: Mapping[Dialect, ConversationParts] = {
    Dialect.CHAT: chat.PARTS,
    Dialect.RESPONSES: responses.PARTS,
    Dialect.MESSAGES: messages.PARTS,
}
