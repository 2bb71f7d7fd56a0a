"""Whoever changes the configuration over HTTP stands in the audit log with what they changed, and with no secret."""

from __future__ import annotations

from typing import Any

from tests.web.admin.conftest import Admin

WITHOUT_A_LINE = {("POST", "/api/config/check"), ("POST", "/api/providers/{name}/test")}
"""They change nothing."""


async def test_every_route_that_changes_something_leaves_a_line(admin: Admin) -> None:
    done: set[tuple[str, str]] = set()

    async def act(method: str, route: str, body: Any = None, **parts: str) -> None:
        done.add((method, route))
        path = route.replace("{name}", parts.get("name", "")).replace("{label:.+}", parts.get("label", ""))
        etag = (await admin.call("GET", "/api/config")).data["etag"]
        answer = await admin.call(method, path, body, If_Match=etag)
        assert answer.status in (200, 201, 204), answer.raw

    options = {"base_url": "http://127.0.0.1:9/v1", "enabled": False}
    await act("POST", "/api/providers", {"name": "new", "options": options})
    await act("PATCH", "/api/providers/{name}", {"options": {"max_parallel": 2}}, name="new")
    await act("POST", "/api/providers/{name}/keys", {"key": {"key": "sk-a-0123456789", "label": "a"}}, name="new")
    await act("PATCH", "/api/providers/{name}/keys/{label:.+}", {"options": {"weight": 2}}, name="new", label="a")
    await act("DELETE", "/api/providers/{name}/keys/{label:.+}", name="new", label="a")
    await act("POST", "/api/providers/order", {"names": ["new", "down", "up"]})
    await act("DELETE", "/api/providers/{name}", name="new")
    text = (await admin.call("GET", "/api/config")).data["text"]
    await act("PUT", "/api/config", {"text": text + "# more\n"})
    version = (await admin.call("GET", "/api/config/history")).data[1]["version"]
    await act("POST", "/api/config/rollback", {"version": version})
    assert [line[1:] for line in await admin.audited()] == [
        ("provider_added", "new"),
        ("provider_changed", "new"),
        ("provider_keys_added", "new"),
        ("provider_key_changed", "new/a"),
        ("provider_key_deleted", "new/a"),
        ("providers_reordered", "providers"),
        ("provider_deleted", "new"),
        ("config_replaced", "config"),
        ("config_rolled_back", version),
    ]
    changing = {
        (route.method, route.path)
        for route in admin.relay.front.site.routes
        if route.method != "GET" and route.path.startswith(("/api/config", "/api/providers"))
    }
    assert changing - done == WITHOUT_A_LINE


async def test_what_changes_nothing_leaves_no_line(admin: Admin) -> None:
    assert (await admin.call("PATCH", "/api/providers/up", {"options": {}})).status == 200
    assert (await admin.call("PATCH", "/api/providers/gone", {"options": {}})).status == 404
    assert await admin.audited() == []
