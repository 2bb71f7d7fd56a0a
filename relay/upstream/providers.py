"""The providers of a configuration, ready to be called: URLs, headers and keys made once, not for each call."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from multidict import CIMultiDict
from yarl import URL

from relay.config.findings import Finding
from relay.config.nearest import suggestion
from relay.config.providers import KeyConfig, ModelsConfig, ProviderConfig
from relay.config.schema import Config
from relay.formats.scrub import Scrub
from relay.model import Dialect
from relay.upstream.headers import UpwardFilter
from relay.upstream.keyring import Key, KeyLimits
from relay.upstream.kinds import KINDS, Kind
from relay.upstream.transport import Connection, Deadlines, SentHeaders, UpstreamRequest

MIN_SECRET_CHARACTERS = 8
"""Shorter keys are those of local servers (`ollama`, `dummy`); taking them out would only blind a text."""

_ALWAYS_SENT = (("Accept", "*/*"), ("User-Agent", "MonoRelay"))
"""Where the client sent none: else aiohttp would add its own, versions included."""

MAX_SENT = 64
"""Sets of headers that are kept for each provider."""

DEMO = "demo"
"""The name of the built-in provider, and of its type."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One enabled provider."""

    name: str
    kind: Kind
    root: str
    """Base URL and path prefix, without a trailing slash."""
    dialects: tuple[Dialect, ...]
    keys: tuple[Key, ...]
    """Empty: calls go out without a credential."""
    upward: UpwardFilter
    headers: Mapping[str, str] = field(repr=False)
    """Added to each call, in front of what a client sent under the same name."""
    deadlines: Deadlines
    scrub: Scrub
    """Knows what must never be seen of what this provider says: its keys, header values, and where it lives."""
    http_client: str = "direct"
    """The transport for it, one of `providers.*.http_client`."""
    strategy: str = "round-robin"
    cooldown_s: float = 60
    """How long a key rests after a 429 that says nothing, at first."""
    max_parallel: int = 0
    """Calls at once; 0: no limit."""
    proxy: str = field(default="", repr=False)
    """URL of an HTTP proxy to go through, which aiohttp's client speaks to; empty: none."""
    models: ModelsConfig = field(default_factory=ModelsConfig)
    test_model: str = ""
    """What `provider test` calls; empty: it chooses."""
    _sent: dict[tuple[Hashable, str | None], SentHeaders] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """By what passed of a client's headers, and the key's label; no other provider's, a copy's included."""

    @property
    def is_asked_for_models(self) -> bool:
        """Whether its own list says which models there are."""
        return self.kind.has_list and self.models.are_open

    def url(self, path: str, query: str) -> str:
        """The URL of an endpoint; `path` is one of ours, `query` the client's own, still encoded."""
        return f"{self.root}{path}?{query}" if query else self.root + path

    def request(
        self,
        method: str,
        path: str,
        headers: SentHeaders,
        body: bytes,
        *,
        query: str = "",
        deadlines: Deadlines | None = None,
        connection: Connection = Connection.POOLED,
    ) -> UpstreamRequest:
        """A request on the way that this provider's requests go. `deadlines` are its own unless others are given."""
        return UpstreamRequest(
            method, self.url(path, query), headers, body, deadlines or self.deadlines, connection, self.proxy
        )

    def headers_for(self, client: Iterable[tuple[str, str]], connection: str, key: Key | None) -> SentHeaders:
        """The headers of one call. The key comes last: nothing that a client or a setting says replaces it.

        They are kept for a while: a client sends the same in most of its calls.
        """
        passed = self.upward.choose(client, connection)
        known = (passed, None if key is None else key.label)
        sent = self._sent.get(known)
        if sent is None:
            if len(self._sent) >= MAX_SENT:
                del self._sent[next(iter(self._sent))]
            sent = self._sent[known] = SentHeaders(self._headers_for(passed, key))
        return sent

    def _headers_for(self, passed: Iterable[tuple[str, str]], key: Key | None) -> CIMultiDict[str]:
        chosen = CIMultiDict(passed)
        for name, value in (*self.kind.headers.items(), *_ALWAYS_SENT):
            chosen.setdefault(name, value)
        chosen.update(self.headers)
        chosen["Content-Type"] = "application/json"
        chosen["Accept-Encoding"] = "identity"
        if key is not None:
            name, value = self.kind.authorize(key.secret)
            chosen[name] = value
        return chosen


def build(config: Config) -> dict[str, Provider]:
    """All enabled providers by name, in the order of the file, the demo provider last unless it is switched off."""
    strategy = config.key_selection.strategy
    providers = {name: _build_one(name, given, strategy) for name, given in config.providers.items() if given.enabled}
    if DEMO not in config.providers:
        providers[DEMO] = _build_one(DEMO, ProviderConfig(provider_type=DEMO, test_model=DEMO), strategy)
    return providers


def _build_one(name: str, given: ProviderConfig, strategy: str) -> Provider:
    kind = KINDS[given.provider_type]
    base = given.base_url or kind.base_url
    if kind.path_prefix:
        base = base.removesuffix(kind.path_prefix)
    root = base + kind.path_prefix
    keys = tuple(_key(key) for key in given.keys)
    headers = {header: value.get_secret_value() for header, value in given.headers.items()}
    timeout = given.timeout
    return Provider(
        name=name,
        kind=kind,
        root=root,
        dialects=given.dialects or kind.dialects,
        keys=keys,
        upward=UpwardFilter(given.forward_headers),
        headers=headers,
        deadlines=Deadlines(timeout.connect_s, timeout.first_byte_s, timeout.idle_s, timeout.total_s),
        scrub=Scrub((*_secrets(root, keys, headers), *_secrets_of_proxy(given.proxy.get_secret_value()))),
        http_client="aiohttp" if given.proxy.get_secret_value() else given.http_client,
        strategy=given.key_strategy or strategy,
        cooldown_s=given.rate_limit_cooldown_s,
        max_parallel=given.max_parallel,
        proxy=given.proxy.get_secret_value(),
        models=given.models,
        test_model=given.test_model,
    )


def _key(given: KeyConfig) -> Key:
    windows = given.usage_window_limits
    limits = KeyLimits(
        rps=given.rate_limit_rps,
        rpm=given.rate_limit_rpm,
        tpm=given.rate_limit_tpm,
        in_5h=windows.window_5h,
        in_1d=windows.window_1d,
        in_7d=windows.window_7d,
        quota=given.quota_limit,
        max_parallel=given.max_parallel,
    )
    return Key(given.label, given.key.get_secret_value(), given.enabled, given.expires_at, given.weight, limits)


def _secrets(root: str, keys: Iterable[Key], headers: Mapping[str, str]) -> Iterator[str]:
    """What a client must never see. Short words would only make a text unreadable: `ollama`, a header's `1`."""
    url = URL(root)
    host = url.host or ""
    yield from (key.secret for key in keys if len(key.secret) >= MIN_SECRET_CHARACTERS)
    yield from (value for value in headers.values() if len(value) >= MIN_SECRET_CHARACTERS)
    yield from (root, str(url.origin()), f"{host}:{url.port}")
    if len(host) >= MIN_SECRET_CHARACTERS:
        yield host


def _secrets_of_proxy(proxy: str) -> Iterator[str]:
    if proxy:
        url = URL(proxy)
        yield from (word for word in (proxy, url.password) if word and len(word) >= MIN_SECRET_CHARACTERS)


def check(config: Config) -> Iterator[Finding]:
    """What the schema can't know of providers: their types, and what each type needs."""
    for name, given in config.providers.items():
        path = ("providers", name)
        kind = KINDS.get(given.provider_type)
        if kind is None:
            hint = suggestion(given.provider_type, KINDS)
            yield Finding((*path, "provider_type"), f"{given.provider_type!r} is no type of provider{hint}")
        elif DEMO in (given.provider_type, name.casefold()) and (given.provider_type, name) != (DEMO, DEMO):
            yield Finding((*path, "provider_type"), "the type 'demo' and the name 'demo' belong to each other")
        elif given.enabled:
            yield from _check_enabled(path, given, kind)


def _check_enabled(path: tuple[str, ...], given: ProviderConfig, kind: Kind) -> Iterator[Finding]:
    if not given.base_url and not kind.base_url:
        yield Finding((*path, "base_url"), f"a provider of type {given.provider_type!r} needs a base_url")
    if kind.needs_key and not given.keys:
        yield Finding((*path, "keys"), f"a provider of type {given.provider_type!r} needs at least one key")
