"""Killed savers and editors at once: the file always loads, and nothing that was acknowledged is lost."""

from __future__ import annotations

import random
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.config.saving import read_saved
from tests.config.parsing import configured

SAVE_ON_AND_ON = """
import os, sys
from pathlib import Path
from relay.config.saving import read_saved, save
from tests.config.test_saving_endures import version

path, number = Path(sys.argv[1]), int(sys.argv[2])
while True:
    number += 1
    save(path, version(number), read_saved(path).etag)
    os.write(1, b".")
"""
DIE_AT_EACH_LINE = """
import itertools, os, signal, sys
from pathlib import Path
from relay.config.saving import read_saved, save
from tests.config.test_saving_endures import version

path, old = Path(sys.argv[1]), version(0)
for last_line in itertools.count(1):
    path.write_text(old)
    pid = os.fork()
    if pid == 0:
        passed = itertools.count(1)

        def trace(frame, event, _argument):
            if "relay/config" not in frame.f_code.co_filename:
                return None
            if event == "line" and next(passed) == last_line:
                os.kill(os.getpid(), signal.SIGKILL)
            return trace

        etag = read_saved(path).etag
        sys.settrace(trace)
        save(path, version(1), etag)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    text = path.read_text()
    state = "old" if text == old else "new" if text == version(1) else "broken"
    print(state, sum(entry.name.endswith(".new") for entry in path.parent.iterdir()))
    if status == 0:
        break
"""
EDIT = """
import sys
from pathlib import Path
from relay.config.edit import Set, edited
from relay.config.saving import read_saved, save
from relay.errors import StaleVersion

path, editor, changes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.read()
for change in range(changes):
    alias = ("model_routing", "aliases", f"{editor}-{change}")
    while True:
        saved = read_saved(path)
        try:
            save(path, edited(saved.text, [Set(alias, "m")]), saved.etag)
        except StaleVersion:
            print("conflict")
        else:
            print(alias[-1])
            break
"""


LONGEST_S = 0.005
"""That a save takes."""


def version(number: int) -> str:
    """A configuration that takes more than one write, and is told from others at both of its ends."""
    return f"# {number}\nserver:\n  port: {number % 60000}\n" + f"# {'x' * 100}\n" * 2000 + f"# {number}\n"


def start(script: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A process of its own, in the root of the repository."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


@pytest.mark.proof
def test_a_save_that_is_killed_leaves_the_old_text_or_the_new_one(
    tmp_path: Path, proof_count: Callable[[int], int]
) -> None:
    path, number, rng = tmp_path / "config.yml", 0, random.Random(5)
    path.write_text(version(0))
    for _ in range(proof_count(50)):
        with start(SAVE_ON_AND_ON, str(path), str(number)) as saver:
            assert saver.stdout is not None
            acknowledged = number + len(saver.stdout.read(rng.randint(1, 20)))
            select.select([saver.stdout], [], [], rng.uniform(0, LONGEST_S))  # Some moment of the next save.
            saver.kill()
            acknowledged += len(saver.stdout.read())
        text = path.read_text()
        assert text in (version(acknowledged), version(acknowledged + 1))
        number = acknowledged if text == version(acknowledged) else acknowledged + 1
        assert configured(text).server.port == number


def test_a_save_that_is_killed_at_any_of_its_lines_leaves_the_old_text_or_the_new_one(tmp_path: Path) -> None:
    with start(DIE_AT_EACH_LINE, str(tmp_path / "config.yml")) as saver:
        told = [line.split() for line in saver.communicate()[0].decode().splitlines()]
    states, leftovers = [state for state, _ in told], {left for _, left in told}
    assert saver.returncode == 0
    assert len(states) > 40
    assert states == sorted(states, reverse=True)  # "old" up to the rename, "new" from then on.
    assert set(states) == {"old", "new"}
    assert leftovers == {"0", "1"}  # The next save clears what the one before left.
    assert told[-1] == ["new", "0"]


@pytest.mark.proof
def test_eight_editors_at_once_lose_no_change(tmp_path: Path, proof_count: Callable[[int], int]) -> None:
    path, changes = tmp_path / "config.yml", proof_count(50)
    path.write_text("# aliases\nmodel_routing:\n  aliases: {}\n")
    editors = [start(EDIT, str(path), f"e{number}", str(changes)) for number in range(8)]
    for editor in editors:
        assert editor.stdout is not None
        assert editor.stdout.readline() == b"ready\n"
    for editor in editors:
        assert editor.stdin is not None
        editor.stdin.close()
        editor.stdin = None
    told = [name for editor in editors for name in editor.communicate()[0].decode().split()]
    aliases = configured(read_saved(path).text).model_routing.aliases
    assert [editor.returncode for editor in editors] == [0] * 8
    assert sorted(aliases) == sorted(name for name in told if name != "conflict")
    assert len(aliases) == 8 * changes
    assert "conflict" in told  # Else they were not at it at once.
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".config.yml.lock", "config.yml"]
