"""The bodies of the account API, each field with its bounds. What is not a field is refused: it may be a slip.

An error names the field and never shows what was in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic import ValidationError as FieldErrors

from relay.errors import InvalidRequest
from relay.formats.body import read_object
from relay.model import Limits, Role
from relay.web.answers import printable

MAX_BYTES = 64 * 1024
MAX_INVITE_S = 30 * 86_400
MAX_SHOWN_FIELD = 100
MAX_EMAIL_CHARACTERS = 255
MAX_PASSWORD_CHARACTERS = 1024
"""Above this a password is not even hashed to see that it is wrong."""
MAX_GLOBS = 64
"""A request is matched with all of them, on the loop."""
_ROLES = {role.name.lower(): role for role in Role}


def _printable(value: str) -> str:
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in value):
        raise ValueError("must hold no control characters")
    return value


def _email(value: str) -> str:
    try:
        address = validate_email(value, check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError("must be an e-mail address") from None
    if len(address.casefold()) > MAX_EMAIL_CHARACTERS:  # Some letters are several when their case is folded.
        raise ValueError(f"must have at most {MAX_EMAIL_CHARACTERS} characters")
    return address


def _moment(value: object) -> object:
    """Strict reading takes no text for a time, but JSON has nothing else."""
    if not isinstance(value, str):
        raise ValueError("must be a time such as 2027-01-31T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a time such as 2027-01-31T12:00:00Z") from None


def _role(value: object) -> object:
    if not isinstance(value, str) or value not in _ROLES:
        raise ValueError(f"must be one of {', '.join(_ROLES)}")
    return _ROLES[value]


Text = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
Label = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_printable)
]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{3,50}$")]
Email = Annotated[str, StringConstraints(max_length=MAX_EMAIL_CHARACTERS), AfterValidator(_email)]
Password = Annotated[str, StringConstraints(max_length=MAX_PASSWORD_CHARACTERS)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
RoleName = Annotated[Role, BeforeValidator(_role)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Globs = Annotated[list[Glob], Field(max_length=MAX_GLOBS)]


class Body(BaseModel):
    """A JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, arbitrary_types_allowed=True)


class LimitsBody(Body):
    """`limits`. What is not enforced yet can't be set: a limit that does nothing is worse than none."""

    models: Globs | None = None
    endpoints: Globs | None = None
    rpm: None = None
    tpm: None = None
    max_parallel: None = None
    budget_usd: None = None
    budget_period: None = None
    on_disconnect: None = None

    def value(self) -> Limits:
        """As the store keeps them."""
        models, endpoints = self.models, self.endpoints
        return Limits(None if models is None else tuple(models), None if endpoints is None else tuple(endpoints))


class RegisterBody(Body):
    """POST /api/auth/register"""

    username: Username
    email: Email
    password: Password
    invite: Code | None = None
    setup_token: Code | None = None


class LoginBody(Body):
    """POST /api/auth/login"""

    username: Text
    password: Password


class RefreshBody(Body):
    """POST /api/auth/refresh"""

    refresh_token: Code


class LogoutBody(Body):
    """POST /api/auth/logout"""

    refresh_token: Code | None = None


class MeBody(Body):
    """PATCH /api/auth/me"""

    email: Email | None = None


class PasswordBody(Body):
    """POST /api/auth/change-password"""

    old_password: Password
    new_password: Password


class KeyBody(Body):
    """POST /api/keys"""

    name: Label
    limits: LimitsBody | None = None
    expires_at: Moment | None = None


class KeyChangeBody(Body):
    """PATCH /api/keys/{id}"""

    name: Label | None = None
    is_active: bool | None = None
    limits: LimitsBody | None = None


class UserBody(Body):
    """POST /api/users"""

    username: Username
    email: Email
    password: Password
    role: RoleName = Role.USER
    is_active: bool = True
    limits: LimitsBody | None = None


class UserChangeBody(Body):
    """PATCH /api/users/{id}"""

    role: RoleName | None = None
    is_active: bool | None = None
    email: Email | None = None
    limits: LimitsBody | None = None


class InviteBody(Body):
    """POST /api/invites; `expires_in` in seconds, up to 30 days."""

    role: RoleName = Role.USER
    expires_in: Annotated[int, Field(ge=60, le=MAX_INVITE_S)] = 7 * 86_400


B = TypeVar("B", bound=Body)


def read(kind: type[B], raw: bytes) -> B:
    """A body of a kind. Raises InvalidRequest with the field that is wrong."""
    return read_fields(kind, read_object(raw) if raw.strip() else {})


def read_fields(kind: type[B], document: Mapping[str, Any]) -> B:
    """The same of what has been parsed."""
    try:
        return kind.model_validate(document)
    except FieldErrors as errors:
        first = errors.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        shown = printable(field[:MAX_SHOWN_FIELD])  # A field's name may be the client's own.
        raise InvalidRequest(f"'{shown}' {_words(first['type'], field, first['msg'])}.", param=shown) from None


_WORDS: dict[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is no field here",
    "model_type": "must be an object",
    "none_required": "is not enforced in this release, so it can't be set",
}


def _words(kind: str, field: str, message: str) -> str:
    if field == "username" and kind == "string_pattern_mismatch":
        return "must have 3 to 50 characters: letters, digits, '.', '_' and '-'"
    told = message.removeprefix("Value error, ")
    return _WORDS.get(kind, told if told.startswith("must") else f"is wrong: {told[:1].lower()}{told[1:]}")
