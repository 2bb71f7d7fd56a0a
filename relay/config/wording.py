"""pydantic's findings in plain words: what is wrong, with the value where it can't be a secret, and what to do."""

from __future__ import annotations

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


def message_of(error: ErrorDetails) -> str:
    """One sentence without the path."""
    if error["input"] is None and error["type"] not in {"missing", "extra_forbidden"}:
        return "has no value: write one, or remove the line to have the default"
    return _WORDING.get(error["type"], _unusable)(error)


def _own(error: ErrorDetails) -> str:
    """A validator of the schema said it in its own words."""
    return str(error["ctx"]["error"])


def _unknown(error: ErrorDetails) -> str:
    *parents, name = error["loc"]
    if name in _NOT_OFFERED:
        return _NOT_OFFERED[str(name)]
    known = option_names(section_at(Config, parents))
    return f"is not an option here{suggestion(shown_name(str(name)), known)}"


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
    "mapping_type": _kind_only("a mapping"),
    "tuple_type": _kind_only("a list"),
    "greater_than": _bound("more than", "gt"),
    "greater_than_equal": _bound("at least", "ge"),
    "less_than_equal": _bound("at most", "le"),
    "string_too_short": lambda _error: "must not be empty",
}
