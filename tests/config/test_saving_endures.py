"""Killed savers and editors at once: the file always loads, and nothing that was acknowledged is lost."""

from __future__ import annotations

import random
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
EDIT = """
import sys
from pathlib import Path
from relay.config.edit import Set, edited
from relay.config.saving import read_saved, save
from relay.errors import Conflict

path, editor, changes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
sys.stdin.read()
for change in range(changes):
    alias = ("model_routing", "aliases", f"{editor}-{change}")
    while True:
        saved = read_saved(path)
        try:
            save(path, edited(saved.text, [Set(alias, "m")]), saved.etag)
        except Conflict:
            print("conflict")
        else:
            print(alias[-1])
            break
"""


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
            saver.kill()
            acknowledged += len(saver.stdout.read())
        text = path.read_text()
        assert text in (version(acknowledged), version(acknowledged + 1))
        number = acknowledged if text == version(acknowledged) else acknowledged + 1
        assert configured(text).server.port == number


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
