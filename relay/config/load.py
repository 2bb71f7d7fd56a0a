"""From config.yml to a `Config`, or to a ConfigError that lists everything wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from relay.config.checks import OWN_CHECKS
from relay.config.display import dotted
from relay.config.document import Document, Node, plain, read
from relay.config.files import read_file
from relay.config.findings import Check
from relay.config.places import line_of, written_path
from relay.config.schema import Config
from relay.config.secrets import ReadFile, Resolver
from relay.config.syntax import Unreadable
from relay.config.wording import is_name_hidden, message_of
from relay.errors import ConfigError, Problem

MAX_FILE_BYTES = 4 * 2**20


def load(path: Path, *, environ: Mapping[str, str], checks: Sequence[Check] = ()) -> Config:
    """The configuration in a file. Raises ConfigError."""
    return parse(text_of(path), source=str(path), folder=path.parent, environ=environ, checks=checks)


def parse(
    text: str,
    *,
    source: str,
    folder: Path,
    environ: Mapping[str, str],
    checks: Sequence[Check] = (),
    read_secret: ReadFile = read_file,
) -> Config:
    """The configuration in a text; `source` names it in problems. Raises ConfigError."""
    if len(text) > MAX_FILE_BYTES:
        raise ConfigError([Problem(source, None, "", _TOO_LARGE)])
    try:
        document = read(text)
    except Unreadable as error:
        unreadable = Problem(source, error.line, "", error.message)
    else:
        return _configured(document, source, Resolver(environ, folder, read_secret), checks)
    raise ConfigError([unreadable])


_TOO_LARGE = f"the file holds more than {MAX_FILE_BYTES // 2**20} MiB: that is no configuration"


def text_of(path: Path) -> str:
    """The file's text. Raises ConfigError in place of OSError and UnicodeError."""
    line = None
    try:
        contents = read_file(path, MAX_FILE_BYTES)
        return contents.decode()
    except FileNotFoundError:
        message = "there is no such file: `monorelay serve` writes one, --config names another"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        message = "this is not UTF-8 text: save the file in that encoding"
    except OSError as error:
        message = f"the file can't be read: {error.strerror or 'unknown error'}"
    raise ConfigError([Problem(str(path), line, "", message)])


def _configured(document: Document, source: str, resolver: Resolver, checks: Sequence[Check]) -> Config:
    flaws = [Problem(source, flaw.line, dotted(flaw.path), flaw.message) for flaw in document.flaws]
    config, problems = _validated(document, source, resolver)
    if config is not None:
        found = [finding for check in (*OWN_CHECKS, *checks) for finding in check(config)]
        problems = [Problem(source, line_of(document.root, path), dotted(path), message) for path, message in found]
    if config is None or flaws or problems:
        # Once each: the two options that one number sets are wrong in the same way.
        raise ConfigError(sorted(dict.fromkeys(flaws + problems), key=lambda problem: problem.line or 0))
    return config


def _validated(document: Document, source: str, resolver: Resolver) -> tuple[Config | None, list[Problem]]:
    """The configuration, or what is wrong with its values; pydantic's error, which holds the input, ends here."""
    try:
        return Config.model_validate(plain(document.root), context=resolver), []
    except ValidationError as error:
        return None, list(_problems(document.root, source, error))


def _problems(root: Node, source: str, error: ValidationError) -> Iterator[Problem]:
    for details in error.errors(include_url=False):
        path = written_path(root, details["loc"])
        line = line_of(root, path)
        if details["type"] == "missing":
            path = (*path, details["loc"][-1])
        if is_name_hidden(details):
            path = path[:-1]
        yield Problem(source, line, dotted(path), message_of(details))
