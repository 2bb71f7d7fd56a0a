"""Opens what accounts need for the life of the process: the directory, the password threads, the secrets that sign."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from relay.config.schema import Config
from relay.core.accounts.desk import AccountDesk, settings_of
from relay.core.directory import Directory
from relay.core.passwords import open_hasher
from relay.core.tokens import TokenSigner
from relay.store.database import Engine
from relay.store.signing_secret import kept_secrets


@asynccontextmanager
async def open_accounts(
    config: Config,
    engine: Engine,
    secrets: Sequence[bytes],
    now: Callable[[], datetime],
    *,
    on_fault: Callable[[], None] = lambda: None,
) -> AsyncIterator[AccountDesk]:
    """The desk for one process. On leaving, every act that is under way is finished.

    `on_fault` is called should other processes' changes be followed no more.
    """
    auth = config.auth
    async with AsyncExitStack() as stack:
        directory = Directory(engine, now, stale=timedelta(seconds=auth.stale_ttl_s))
        hasher = await stack.enter_async_context(open_hasher(auth.bcrypt_cost))
        await stack.enter_async_context(directory.following(on_fault=on_fault))
        desk = AccountDesk(
            engine=engine,
            directory=directory,
            hasher=hasher,
            signer=TokenSigner(secrets),
            successor_keys=[hmac.digest(secret, b"refresh tokens", "sha256") for secret in secrets],
            private_key=hmac.digest(secrets[0], b"private digests", "sha256"),
            now=now,
            **settings_of(config),
        )
        try:
            yield desk
        finally:
            await desk.finishing.over()


def signing_secrets(config: Config, data_folder: Path) -> Sequence[bytes]:
    """Those of the configuration, else those of the data folder. Raises StoreError."""
    given = [secret.get_secret_value().encode() for secret in config.auth.jwt_secrets]
    return given or kept_secrets(data_folder)
