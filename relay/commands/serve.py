"""`monorelay serve`: the daemon. Without a configuration it writes one and says how to make the first call."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from relay.commands.places import add_config, add_data, data_folder, load_checked, warnings
from relay.config.atomic import write_private
from relay.config.exposure import reachable_without_a_real_key
from relay.config.first_start import fresh_config
from relay.config.schema import Config
from relay.daemon import raise_open_files_limit
from relay.daemon import run as run_daemon
from relay.errors import ConfigError, Problem, RelayError
from relay.floors import assert_floors
from relay.logs import logging_to
from relay.resources import EXAMPLE_CONFIG
from relay.store.opening import made_ready
from relay.systemd import inherited_listener
from relay.version import VERSION
from relay.web.listening import BACKLOG

MAX_PORT = 65535

log = logging.getLogger("relay")

_WRITTEN = """\
{config} was written. Its access key, shown this once:

    {key}
"""
_SET_UP = """\
set-up token: {token}
It makes the first super admin: POST /api/auth/register with "setup_token". Good until the next start.
"""
_FIRST_CALL = """\
The first call, answered by the built-in demo provider until you configure a real one:

    curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
      -H 'Content-Type: application/json' \\
      -d '{{"model": "demo", "messages": [{{"role": "user", "content": "Hello"}}]}}'
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("serve", help="serve until SIGTERM or SIGINT", allow_abbrev=False)
    add_config(parser)
    add_data(parser)
    host, port = (os.environ.get(name) or None for name in ("MONORELAY_HOST", "MONORELAY_PORT"))
    parser.add_argument("--host", default=host, help="instead of server.host")
    parser.add_argument("--port", type=_port, default=port, help="instead of server.port; 0 takes a free one")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve. Raises ConfigError, StoreError, or RelayError where the address can't be had."""
    assert_floors()
    path: Path = arguments.config
    new_key = _write_first_config(path)
    config = _listening_on(load_checked(path), arguments)
    with logging_to(level=config.server.log_level, form=config.server.log_format):
        folder = data_folder(arguments)
        log.info("the store is at revision %s", made_ready(folder, config.database.url.get_secret_value()))
        raise_open_files_limit()
        _serve(config, folder, new_key)
    return 0


def _serve(config: Config, data: Path, new_key: str | None) -> None:
    with inherited_listener() or _listen(config.server.host, config.server.port) as listener:
        for warning in warnings(config):
            log.warning("%s", warning)
        url = _url(listener)

        def announce(set_up_token: str | None) -> None:
            if new_key is not None:
                print(_FIRST_CALL.format(key=new_key, url=url), flush=True)
            if set_up_token is not None:
                print(_SET_UP.format(token=set_up_token), flush=True)  # Not into the log, which is kept.
            log.info("MonoRelay %s serves on %s", VERSION, url)

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(run_daemon(config, data, listener, announce))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= MAX_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to {MAX_PORT}")
    return int(text)


def _write_first_config(path: Path) -> str | None:
    """Where there is no file, write the example with a random key, and show the key at once, whatever comes after.

    None where there is one, be it that another process was quicker. Raises RelayError where it can't be written.
    """
    if path.exists():
        return None
    key = f"mr-{secrets.token_urlsafe(32)}"
    try:
        write_private(path, fresh_config(EXAMPLE_CONFIG.read_text(encoding="utf-8"), access_key=key))
    except FileExistsError:
        return None
    except OSError as error:
        raise RelayError(f"{path} can't be written: {error.strerror}. Name another place with --config.") from error
    print(_WRITTEN.format(config=path, key=key), flush=True)
    return key


def _listening_on(config: Config, arguments: argparse.Namespace) -> Config:
    """The configuration with --host and --port in place; what holds for the file's address holds for these."""
    given = {name: getattr(arguments, name) for name in ("host", "port") if getattr(arguments, name) is not None}
    changed = config.model_copy(update={"server": config.server.model_copy(update=given)})
    problems = [Problem("--host", None, "", finding.message) for finding in reachable_without_a_real_key(changed)]
    if problems:
        raise ConfigError(problems)
    return changed


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises RelayError naming the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    is_dual = host == "::" and socket.has_dualstack_ipv6()  # "All addresses" means those of IPv4 too.
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while")[0]  # Python goes on with the address.
        raise RelayError(f"can't listen on {host or '*'}:{port}: {reason}. Choose another with --port.") from error


def _url(listener: socket.socket) -> str:
    """The address to call from this machine."""
    host, port, *_ = listener.getsockname()
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """uvloop where it is installed: less CPU for each call and chunk than asyncio's own loop."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
