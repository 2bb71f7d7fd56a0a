from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.config.options import option_names, section_at
from relay.config.schema import Config
from relay.config.section import Pending, Section
from tests.config.parsing import configured

# The options and defaults as documented; a provider's stand under a name.
DOCUMENTED = """\
server:
  host: 0.0.0.0
  port: 8787
  workers: 1
  access_key: ""
  access_key_enabled: true
  public_host: ""
  log_level: INFO
  log_format: text
  cors_origins: []
  trusted_proxies: []
  max_body: 64MiB
  max_upload: 512MiB
  max_in_flight: 2000
  queue: {size: 500, timeout: 5}
  keepalive_timeout: 75
  header_timeout: 20
  body_timeout: 30
  write_timeout: 60
  drain: 60
  drain_delay: 0
  sse_keepalive_first: 50
  sse_keepalive: 15
  max_buffered: 1GiB
auth:
  registration: open
  access_token_ttl: 1h
  refresh_token_ttl: 7d
  jwt_secret: ""
  bcrypt_cost: 12
  stale_ttl: 10m
  default_limits: {}
model_routing:
  aliases: {}
  provider_mapping: {}
  model_overrides: {}
  fallbacks: {}
  complexity: {enabled: false, model: auto, simple: "", moderate: "", complex: ""}
  cascade: {enabled: false, model: cascade, models: [], max_retries: 2}
  affinity: {enabled: true, ttl: 10m}
  payload_transformation: {enabled: false, rules: []}
  global_params: {enabled: false, mode: default, params: {}, system_prompt: ""}
  model_params: []
key_selection: {strategy: round-robin, queue: 0}
tool_calling: {auto_downgrade: true, unsupported_models: []}
translation: {max_tokens: 4096, store_responses: true, store_ttl: 30d, beta_headers: {}}
database: {url: ""}
redis: {url: ""}
logging:
  enabled: true
  bodies: preview
  content_preview_length: 200
  max_age_days: 30
  max_size: 10GiB
metrics: {token: ""}
ledger: {journal_max: 1GiB, when_full: refuse, roll_up: 1h}
on_disconnect: cancel
drain: {max: 60s, max_cost_usd: 0.5}
"""
PROVIDER = """\
providers:
  x:
    enabled: true
    dialects: []
    keys:
      - key: k
        label: key-1
        weight: 1
        enabled: true
        expires_at: ""
        quota_limit: 0
        rate_limit_rps: 0
        rate_limit_rpm: 0
        rate_limit_tpm: 0
        max_parallel: 0
        usage_window_limits: {window_5h: 0, window_1d: 0, window_7d: 0}
    key_strategy: ""
    headers: {}
    forward_headers: []
    http_client: direct
    rate_limit_cooldown: 60
    timeout: {connect: 10, first_byte: 120, idle: 120, total: 1800}
    max_parallel: 0
    models: {include: [], exclude: []}
    default: false
    cost_per_m_input: 0
    cost_per_m_output: 0
    costs: {}
    retry:
      enabled: true
      max_retries: 2
      retry_on_status: [408, 409, 429, 500, 502, 503, 504, 529]
      backoff_factor: 1.5
      backoff_max: 2
    breaker: {failures: 5, window: 30, open: 30}
    params: {}
    system_prompt: ""
    model_params: []
    proxy: ""
    test_model: ""
"""
ENFORCED = {
    "server": (
        "host port access_key access_key_enabled public_host log_level log_format cors_origins "
        "trusted_proxies max_body max_in_flight queue keepalive_timeout header_timeout body_timeout write_timeout "
        "drain drain_delay sse_keepalive_first sse_keepalive max_buffered"
    ),
    "server.queue": "size timeout",
    "server.access_key.0": "name key expires_at",
    "providers.x": (
        "enabled provider_type base_url dialects keys headers forward_headers http_client timeout models default "
        "retry breaker key_strategy rate_limit_cooldown max_parallel proxy params system_prompt model_params "
        "test_model"
    ),
    "providers.x.keys.0": (
        "key label enabled expires_at weight rate_limit_rps rate_limit_rpm rate_limit_tpm max_parallel "
        "usage_window_limits quota_limit"
    ),
    "providers.x.retry": "enabled max_retries retry_on_status backoff_factor backoff_max",
    "providers.x.breaker": "failures window open",
    "providers.x.keys.0.usage_window_limits": "window_5h window_1d window_7d",
    "key_selection": "strategy queue",
    "providers.x.timeout": "connect first_byte idle total",
    "providers.x.models": "include exclude",
    "model_routing": (
        "aliases provider_mapping model_overrides fallbacks complexity cascade affinity payload_transformation "
        "global_params model_params"
    ),
    "model_routing.aliases.x": "targets strategy hedge",
    "model_routing.aliases.x.targets.0": "model weight",
    "model_routing.complexity": "enabled model simple moderate complex",
    "model_routing.cascade": "enabled model models max_retries",
    "model_routing.affinity": "enabled ttl",
    "model_routing.payload_transformation": "enabled rules",
    "model_routing.payload_transformation.rules.0": "models inject_params override_params",
    "model_routing.global_params": "enabled mode params system_prompt",
    "model_routing.model_params.0": "model_pattern params system_prompt",
    "providers.x.model_params.0": "model_pattern params system_prompt",
    "tool_calling": "auto_downgrade unsupported_models",
    "database": "url",
    "auth": "registration access_token_ttl refresh_token_ttl jwt_secret bcrypt_cost stale_ttl default_limits",
    "auth.default_limits": "models endpoints",
    "metrics": "token",
}
ALL_PENDING = [
    "translation",
    "redis",
    "logging",
    "ledger",
    "drain",
]


def names_not_pending(section: type[Section]) -> Iterator[str]:
    for option, attribute in option_names(section).items():
        if not any(isinstance(mark, Pending) for mark in section.model_fields[attribute].metadata):
            yield option


def section_of(path: str) -> type[Section]:
    return section_at(Config, [int(part) if part.isdecimal() else part for part in path.split(".")])


def test_the_defaults_are_the_documented_ones() -> None:
    assert configured(DOCUMENTED) == configured("") == Config()


def test_the_defaults_of_a_provider_are_the_documented_ones() -> None:
    assert configured(PROVIDER) == configured("providers: {x: {keys: [{key: k}]}}")


@pytest.mark.parametrize("path", ENFORCED)
def test_what_is_enforced_may_be_set(path: str) -> None:
    """Sections stand among the options: their own options are marked one by one."""
    assert set(names_not_pending(section_of(path))) == set(ENFORCED[path].split())


@pytest.mark.parametrize("path", ALL_PENDING)
def test_what_nothing_enforces_is_marked_so(path: str) -> None:
    assert list(names_not_pending(section_of(path))) == []


def test_the_sections_are_those_above() -> None:
    sections = set(names_not_pending(Config))
    assert sections == {path for path in (*ENFORCED, *ALL_PENDING) if "." not in path} | {"providers"}


DOCUMENTED_TABLE = Path(__file__).parents[2] / "docs" / "configuration.md"


@pytest.mark.parametrize(
    ("row", "path"),
    [("providers.NAME", "providers.x"), ("providers.NAME.keys[]", "providers.x.keys.0")]
    + [
        (path, path)
        for path in ("server", "key_selection", "model_routing", "tool_calling", "database", "auth", "metrics")
    ],
)
def test_the_documentation_names_what_may_be_set(row: str, path: str) -> None:
    text = DOCUMENTED_TABLE.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith(f"| `{row}` | ")]
    assert set(re.findall(r"`([^`]+)`", line)[1:]) == set(ENFORCED[path].split())
