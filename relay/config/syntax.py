"""ruamel's parser, with its errors in plain words that never quote the text: it may be a secret."""

from __future__ import annotations

from collections.abc import Iterator

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import Event
from ruamel.yaml.reader import ReaderError


class Unreadable(Exception):
    """The text is no YAML document that could be a configuration; nothing more can be said of it."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(message)


def line_of(event: Event) -> int:
    return int(event.start_mark.line) + 1


def events_of(text: str) -> Iterator[Event]:
    """The parser's events; its errors become Unreadable."""
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Unreadable(line, _sentence(error.problem or "", error.context or "")) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, "there is a control character here that YAML does not allow: remove it") from None
    except AssertionError:
        # "%YAML 3.0": ruamel asserts that it knows the version, and loses the line.
        raise Unreadable(1, "a '%YAML' line names a version that is neither 1.1 nor 1.2: remove it") from None
    except (ValueError, OverflowError):
        # "\UFFFFFFFF": ruamel hands the number to chr() unchecked and loses the line.
        raise Unreadable(1, "a \\U escape in a quoted text names no character: correct it") from None


_SENTENCES = (
    ("'\\t'", "a tab stands where YAML wants spaces: indent with spaces"),
    ("mapping values are not allowed", "a second ':' on this line, or wrong indentation: quote the text, or indent it"),
    ("could not find expected ':'", "this line has no ': ' after its key: write 'name: value'"),
    ("quoted scalar", "a quote is opened and not closed, or holds an unknown escape: close it, or use single quotes"),
    ("flow sequence", "a '[' is not closed, or a comma is missing: correct the list"),
    ("flow mapping", "a '{' is not closed, or a comma is missing: correct the mapping"),
    ("cannot start any token", "a value can't begin with this character: put the value in quotes"),
    ("block", "the indentation does not fit, or a value goes on after its end: align the keys, and quote the text"),
)


def _sentence(problem: str, context: str) -> str:
    """The parser's words in plain ones; its own may quote the file."""
    for part, sentence in _SENTENCES:
        if part in problem or part in context:
            return sentence
    return "this is not valid YAML: look at the indentation, the quotes and the colons"
