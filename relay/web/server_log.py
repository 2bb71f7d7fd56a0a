"""What aiohttp's server may log: never the bytes of a request that it could not read.

Its parser quotes the offending line in the exception, and that line may be the one with the credential.
"""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError


class NoClientBytes(logging.Filter):
    """Makes one INFO line of each parser error."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never drops a record; see the class."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.msg, record.args = "a request that is no valid HTTP was refused: %s", (type(error).__name__,)
            record.exc_info = record.exc_text = None
        return True


def server_logger() -> logging.Logger:
    """The logger that aiohttp's server writes to."""
    logger = logging.getLogger("relay.server")
    if not any(isinstance(known, NoClientBytes) for known in logger.filters):
        logger.addFilter(NoClientBytes())
    return logger
