"""The text of a configuration with its secrets masked, for an editor that shows the file itself, and the way back.

Everything but the secrets is there byte for byte; a text that comes back as it was shown gives the stored text again.
Comments are not looked at: nobody knows what they hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from relay.config.display import dotted
from relay.config.document import Node, plain, read
from relay.config.editing.differences import alike
from relay.config.editing.gaps import Span
from relay.config.editing.layout import Kind, Place, layout_of
from relay.config.editing.notation import inline
from relay.config.editing.pieces import Splice, spliced
from relay.config.editing.sites import written
from relay.config.editing.steps import Impossible, replaced, value_at
from relay.config.findings import Finding, KeyPath
from relay.config.mask import is_mask
from relay.config.mask_origins import Origin, masks_in, origins
from relay.config.masking import refuse_doubtful_names, with_masks
from relay.config.places import line_of
from relay.config.readable import readable
from relay.config.secret_places import secret_places
from relay.config.syntax import Unreadable, events_of
from relay.errors import ConfigError, Problem

_IN_SIGHT = "is a secret that is also written where it would be shown (an anchor): write it out here and there"
_BY_HAND = "can't be put back here, since it would also be written elsewhere (an anchor): write it out here and there"


@dataclass(frozen=True, slots=True)
class Forms:
    """A text in its forms, from one reading."""

    text: str
    """Masked."""
    masked: object
    """The masked document, as `relay.config.masking` gives it."""
    stored: object = field(repr=False)
    """The document, secrets included."""


def masked_text(text: str, *, source: str = "config.yml") -> str:
    """The text without its secrets. Raises ConfigError for one that can't be read, or not be shown."""
    return both_forms(text, source=source).text


def both_forms(text: str, *, source: str = "config.yml") -> Forms:
    """The same with the document. Raises ConfigError."""
    sheet = _sheet(text, source)
    refuse_doubtful_names(sheet.root, source)
    secrets = list(secret_places(sheet.values))
    spans = [(sheet.span(place.path), place.mask) for place in secrets]
    shown = spliced(text, [Splice(*span, inline(mask)) for span, mask in spans if span is not None])
    values = plain(readable(events_of(shown), source).root)
    in_sight = [place for place in secret_places(values) if not is_mask(str(place.value))]
    sheet.refuse(Finding(place.path, _IN_SIGHT) for place in in_sight)
    return Forms(shown, with_masks(sheet.values, secrets), sheet.values)


def unmasked_text(shown: str, text: str, *, source: str = "config.yml") -> str:
    """A text that was shown and then changed, with the secrets that are stored in `text`. Raises ConfigError."""
    sheet, stored = _sheet(shown, source), _sheet(text, source)
    masks = masks_in(sheet.values)
    spans = {mask.path: span for mask in masks if (span := sheet.span(mask.path)) is not None}
    found, problems = origins([mask for mask in masks if mask.path in spans], sheet.values, stored.values)
    sheet.refuse(problems)
    wanted = sheet.values
    for mask, origin in found:
        wanted = replaced(wanted, mask.path, origin.value)
    elsewhere = [mask.path for mask in masks if mask.path not in spans]
    for secrets in ([stored.written(origin) for origin in found], [inline(origin.stored.value) for origin in found]):
        pieces = [Splice(*spans[origin.mask.path], secret) for origin, secret in zip(found, secrets, strict=True)]
        whole = spliced(shown, pieces)
        if _holds(whole, wanted, elsewhere):
            return whole
    raise ConfigError(sheet.problems(Finding(origin.mask.path, _BY_HAND) for origin in found))


@dataclass(frozen=True, slots=True)
class _Sheet:
    text: str
    source: str
    root: Node
    values: object
    place: Place
    """The root's."""

    def span(self, path: KeyPath) -> Span | None:
        """Where a value is written, without an anchor; None where that is elsewhere."""
        members = written(self.place, path)
        place = members[-1].place if members else self.place
        if len(members) < len(path) or place.kind is Kind.ALIAS:
            return None
        between = self.text[place.inside : place.end]
        return Span(place.end - len(between.lstrip()), place.end)

    def written(self, origin: Origin) -> str:
        """A stored secret in the form that it has here."""
        span = self.span(origin.stored.path)
        return inline(origin.stored.value) if span is None else self.text[span.start : span.end]

    def refuse(self, findings: Iterable[Finding]) -> None:
        """Raise ConfigError where there are any."""
        if problems := self.problems(findings):
            raise ConfigError(problems)

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """With their lines."""
        return [Problem(self.source, line_of(self.root, path), dotted(path), message) for path, message in findings]


def _sheet(text: str, source: str) -> _Sheet:
    """Raises ConfigError."""
    root = readable(events_of(text), source).root
    return _Sheet(text, source, root, plain(root), layout_of(text, events_of(text)))


def _holds(text: str, wanted: object, elsewhere: Sequence[KeyPath]) -> bool:
    """Whether a text has these values; where something stands that is written elsewhere, it is what it is there."""
    try:
        document = read(text)
        values = plain(document.root)
        for path in elsewhere:
            wanted = replaced(wanted, path, value_at(values, path))
    except (Unreadable, Impossible):
        return False
    return not document.flaws and alike(values, wanted)
