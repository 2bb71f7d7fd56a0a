"""CPU that a request pays for its credential, by kind: microseconds, the best of many rounds.

.venv/bin/python benchmarks/credentials.py
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from best import best_us

from relay.accounts import open_accounts
from relay.config.load import parse
from relay.core.access_keys import AccessKeys
from relay.core.accounts import keys
from relay.core.accounts.registering import Registering, register
from relay.core.credentials import Credentials
from relay.model import Limits, Principal
from relay.store.database import open_database
from relay.store.migrate import migrate

ACCESS_KEY = "bench-key-0123456789abcdef"
CONFIG = f"server: {{host: 127.0.0.1, access_key: {ACCESS_KEY}}}\nauth: {{bcrypt_cost: 4}}\n"


async def measure(folder: Path) -> dict[str, float]:
    """By kind of credential."""
    config = parse(CONFIG, source="benchmark", folder=folder, environ={}, checks=())
    migrate(folder)
    now = datetime.now(UTC)
    async with (
        open_database(folder) as engine,
        open_accounts(config, engine, [bytes(32)], lambda: now) as desk,
    ):
        asked = Registering("bench", "bench@example.org", "correct horse battery", None, None, "benchmark")
        user, answer = await register(desk, asked, None, "127.0.0.1")
        if answer is None:
            raise AssertionError("registration is open")
        made = await keys.make(desk, Principal("bench", user.role, user.id), "bench", Limits(), None, "127.0.0.1")
        credentials = Credentials(AccessKeys(config), desk.signer, desk.directory)
        presented = {"access key": ACCESS_KEY, "access token": answer.access_token, "API key": made.secret}
        return {kind: best_us(partial(_matched, credentials, text, now)) for kind, text in presented.items()}


def _matched(credentials: Credentials, presented: str, now: datetime) -> None:
    if credentials.match(presented, now) is None:
        raise AssertionError("every one of them is valid")


def main() -> None:
    """Write a line for each kind."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, cost_us in asyncio.run(measure(Path(folder))).items():
            sys.stdout.write(f"{kind}: {cost_us:.1f} us\n")


if __name__ == "__main__":
    main()
