"""pydantic's findings in plain words: what is wrong, with the value where it can't be a secret, and what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pydantic_core import ErrorDetails

from relay.config.display import shown, shown_name
from relay.config.nearest import suggestion
from relay.config.options import option_names, section_at
from relay.config.schema import Config

# What people's files may hold from before, and why it is refused.
_NOT_OFFERED = {
    "cloaking": "is not offered: MonoRelay does not disguise requests; remove it",
}


LIKE_AN_OPTION = re.compile(r"[a-z_]{1,32}|window_[0-9][a-z]")


def message_of(error: ErrorDetails) -> str:
    """One sentence without the path."""
    if is_name_hidden(error):
        return "holds a name that can't stand here, or has no value (it is not shown, it may be a secret)"
    if error["input"] is None and error["type"] not in {"missing", "extra_forbidden"}:
        return "has no value: write one, or remove the line to have the default"
    return _WORDING.get(error["type"], _unusable)(error)


def is_name_hidden(error: ErrorDetails) -> bool:
    """Whether the last name of the location may be a secret: `{access_key, sk-...}` makes a name of one."""
    name = str(error["loc"][-1]) if error["loc"] else ""
    if LIKE_AN_OPTION.fullmatch(name):
        return False
    if error["type"] == "extra_forbidden":
        return not _suggestion(error)
    return error["input"] is None and error["type"] != "missing"


def _own(error: ErrorDetails) -> str:
    """A validator of the schema said it in its own words."""
    return str(error["ctx"]["error"])


def _unknown(error: ErrorDetails) -> str:
    return _NOT_OFFERED.get(str(error["loc"][-1]), f"is not an option here{_suggestion(error)}")


def _suggestion(error: ErrorDetails) -> str:
    *parents, name = error["loc"]
    return suggestion(shown_name(str(name)), option_names(section_at(Config, parents)))


def _missing(_error: ErrorDetails) -> str:
    return "is missing, and has no default"


def _choice(error: ErrorDetails) -> str:
    return f"must be one of {error['ctx']['expected']}, not {shown(error['input'])}"


def _must_be(kind: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {kind}, not {shown(error['input'])}"


def _kind_only(kind: str) -> Callable[[ErrorDetails], str]:
    """For what holds others: a secret may stand here by mistake."""
    return lambda error: f"must be {kind}, not {_kind(error['input'])}"


def _bound(words: str, name: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {words} {error['ctx'][name]}, not {shown(error['input'])}"


def _unusable(_error: ErrorDetails) -> str:
    return "is not a value that can stand here"


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "text"
    return shown(value) if isinstance(value, dict | list) else "a single value"


_WORDING: Mapping[str, Callable[[ErrorDetails], str]] = {
    "value_error": _own,
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _choice,
    "enum": _choice,
    "string_type": _must_be("text (put it in quotes)"),
    "int_type": _must_be("a whole number without quotes"),
    "float_type": _must_be("a number without quotes"),
    "finite_number": _must_be("a number"),
    "bool_type": _must_be("true or false"),
    "bool_parsing": _must_be("true or false"),
    "model_type": _kind_only("a mapping of options"),
    "dict_type": _kind_only("a mapping"),
    "tuple_type": _kind_only("a list"),
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_short": lambda _error: "must not be empty",
}
