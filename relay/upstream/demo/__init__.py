"""The built-in provider `demo`: a model that answers offline, so that a newcomer's first call works.

The way of one call: `transport` finds the endpoint's row, the row's module reads the body into an `ask`, `reply`
decides what to say, and the same module renders the reply in its dialect, plain or streamed. It never opens a
connection, and the same request always gives the same bytes but for the time of day.
"""

from __future__ import annotations

from relay.upstream.demo.transport import DEMO_MODELS, DemoTransport

__all__ = ["DEMO_MODELS", "DemoTransport"]
