"""Accounts from the command line: users, keys, secrets, and the audit log."""

from __future__ import annotations

import io
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from relay.commands import main
from relay.store.migrate import DATABASE_NAME
from relay.store.signing_secret import FILE_NAME
from tests.support.accounts import new_store
from tests.support.daemon import write_config

PASSWORD = "correct horse battery"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yml").write_text("auth: {bcrypt_cost: 4}\nserver: {host: 127.0.0.1}\n", encoding="utf-8")
    (tmp_path / "data").mkdir(mode=0o700)
    new_store(tmp_path / "data")
    return tmp_path


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """One command: exit code, what it printed, and what it complained of."""

    def go(*arguments: str, typed: str = PASSWORD) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{typed}\n"))
        code = main([*arguments, "--config", str(home / "config.yml")])
        return code, *capsys.readouterr()

    return go


def add(run: Run, name: str, *more: str) -> None:
    code, _, errors = run("user", "add", name, f"{name}@example.org", *more)
    assert (code, errors) == (0, "")


def test_users_are_added_and_listed(run: Run) -> None:
    assert run("user", "add", "root", "root@example.org", "--super-admin") == (
        0,
        "root was added with the number 1 and the role super_admin\n",
        "",
    )
    add(run, "alice")
    code, printed, _ = run("user", "list")
    assert (code, printed.splitlines()) == (
        0,
        [
            "1\troot\troot@example.org\tsuper_admin\tactive",
            "2\talice\talice@example.org\tuser\tactive",
        ],
    )


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (("a b", "a@example.org"), PASSWORD, "'username' must have 3 to 50 characters"),
        (("alice", "nowhere"), PASSWORD, "'email' must be an e-mail address"),
        (("alice", "a@example.org"), "short", "'password' must have 8 to 128 characters"),
        (("alice", "a@example.org"), "password1", "'password' is among the most common passwords"),
        (("root", "a@example.org"), PASSWORD, "This name is taken"),
    ],
)
def test_what_is_wrong_is_one_sentence(run: Run, arguments: tuple[str, str], typed: str, words: str) -> None:
    add(run, "root")
    code, printed, errors = run("user", "add", *arguments, typed=typed)
    assert (code, printed, errors.count("\n")) == (1, "", 1)
    assert words in errors
    assert typed not in errors


def test_an_account_is_switched_off_and_on_and_promoted(run: Run) -> None:
    add(run, "alice")
    for command, expected in (
        (("disable", "alice"), "user\tinactive"),
        (("enable", "ALICE@example.org"), "user\tactive"),
        (("promote", "alice", "admin"), "admin\tactive"),
    ):
        assert run("user", *command)[0] == 0
        assert expected in run("user", "list")[1]


def test_the_last_super_admin_stays(run: Run) -> None:
    add(run, "root", "--super-admin")
    for command in (("disable", "root"), ("promote", "root", "user")):
        code, _, errors = run("user", *command)
        assert (code, "last super admin" in errors) == (1, True)


def test_another_password_is_set(run: Run, home: Path) -> None:
    add(run, "alice")
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        before = connection.execute("SELECT password_hash FROM users").fetchone()
        assert run("user", "reset-password", "alice", typed="staple correct horse")[0] == 0
        assert connection.execute("SELECT password_hash FROM users").fetchone() != before


def test_who_is_not_there_is_named(run: Run) -> None:
    assert run("user", "disable", "nobody") == (
        1,
        "",
        "monorelay: there is no user 'nobody': `monorelay user list` shows all\n",
    )


def test_keys_are_made_listed_and_revoked(run: Run) -> None:
    add(run, "alice")
    code, printed, _ = run("key", "add", "alice", "laptop", "--model", "gpt-*", "--expires-at", "2099-01-31T12:00:00Z")
    assert code == 0
    assert re.fullmatch(r"sk-mr-[A-Za-z0-9_-]{43}\n", printed)
    listed = run("key", "list", "alice")[1]
    assert listed == f"1\tlaptop\t{printed[:10]}...\tactive\texpires 2099-01-31T12:00:00+00:00\tused never\n"
    assert run("key", "revoke", "alice", "1") == (0, "key 1 was revoked\n", "")
    assert run("key", "list", "alice")[1] == ""
    assert run("key", "revoke", "alice", "1") == (1, "", "monorelay: There is no API key 1.\n")


def test_a_secret_is_put_in_front_and_the_old_one_kept(run: Run, home: Path) -> None:
    add(run, "alice")
    path = home / "data" / FILE_NAME
    (first,) = path.read_text().split()
    assert run("secret", "rotate")[0] == 0
    second = path.read_text().split()
    assert (second[1:], len(second)) == ([first], 2)
    run("secret", "rotate")
    assert path.read_text().split()[1:] == second[:1]
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_of_the_configuration_are_not_rotated_here(run: Run, home: Path) -> None:
    (home / "config.yml").write_text(f"auth: {{jwt_secret: {'a' * 40}}}\nserver: {{host: 127.0.0.1}}\n")
    code, _, errors = run("secret", "rotate")
    assert (code, "auth.jwt_secret" in errors) == (1, True)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'nobody' WHERE id = 2",
        "UPDATE audit SET at_us = at_us + 1 WHERE id = 2",
        "UPDATE audit SET detail = '{}' WHERE id = 2",
        "UPDATE audit SET hash = 'x' WHERE id = 2",
        "DELETE FROM audit WHERE id = 2",
        *(
            f"{put} INTO audit SELECT {where}, at_us, actor, action, subject, client_ip, detail, hash"  # noqa: S608
            " FROM audit WHERE id = 2"
            for put, where in (("INSERT", 99), ("INSERT", -5), ("INSERT", -1), ("REPLACE", 1), ("REPLACE", 3))
        ),
    ],
)
def test_the_audit_log_shows_when_it_was_tampered_with(run: Run, home: Path, tampering: str) -> None:
    for name in ("one", "two", "three"):
        add(run, name)
    code, printed, _ = run("audit", "verify")
    assert (code, printed.startswith("3 lines, each as it was written; the last hash is ")) == (0, True)
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(tampering)
        for act in ("update", "delete", "insert", "front"):  # Whoever may do this may do everything, but is found out.
            connection.execute(f"DROP TRIGGER audit_no_{act}")
        connection.execute(tampering)
        connection.commit()
    code, printed, errors = run("audit", "verify")
    assert (code, printed) == (1, "")
    assert "the audit log is not what was written" in errors


def test_the_audit_log_names_who_did_what_and_holds_no_secret(run: Run, home: Path) -> None:
    add(run, "root", "--super-admin")
    secret = run("key", "add", "root", "laptop")[1].strip()
    run("user", "reset-password", "root", typed="staple correct horse")
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        lines = connection.execute("SELECT actor, action, subject FROM audit ORDER BY id").fetchall()
        everything = "\n".join(connection.iterdump())
    assert lines == [
        ("cli", "user_added", "root"),
        ("cli for root", "key_made", "laptop"),
        ("cli", "password_reset", "root"),
    ]
    assert [word for word in (secret, PASSWORD, "staple correct horse") if word in everything] == []


@pytest.mark.parametrize(
    "command", [("user", "list"), ("key", "list", "root"), ("audit", "verify"), ("user", "disable", "root")]
)
def test_a_slip_in_the_name_of_the_data_folder_is_no_empty_store(
    run: Run, home: Path, command: tuple[str, ...]
) -> None:
    code, printed, errors = run(*command, "--data", str(home / "typo"))
    assert (code, printed, "There is no store" in errors, (home / "typo").exists()) == (1, "", True, False)


def test_a_copy_that_nobody_may_write_can_be_verified(run: Run, home: Path) -> None:
    add(run, "alice")
    copy = home / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy / DATABASE_NAME),))
    (copy / DATABASE_NAME).chmod(0o400)
    copy.chmod(0o500)
    code, printed, _ = run("audit", "verify", "--data", str(copy))
    assert (code, printed.startswith("1 lines"), [path.name for path in copy.iterdir()]) == (0, True, [DATABASE_NAME])


def test_a_store_of_another_release_is_not_verified_but_named(run: Run, home: Path) -> None:
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0002'")
        connection.commit()
    code, _, errors = run("audit", "verify")
    assert (code, "revision 0002" in errors) == (1, True)


def test_a_rotated_secret_leaves_a_line(run: Run, home: Path) -> None:
    run("secret", "rotate")
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        assert connection.execute("SELECT actor, action FROM audit").fetchall() == [("cli", "secret_rotated")]


def test_another_password_ends_every_session(run: Run, home: Path) -> None:
    add(run, "alice")
    with closing(sqlite3.connect(home / "data" / DATABASE_NAME)) as connection:
        connection.execute(
            "INSERT INTO sessions (id, user_id, created_at_us, expires_at_us, client_ip, user_agent)"
            " VALUES ('s', 1, 1, 9000000000000000, '-', '-')"
        )
        connection.commit()
        run("user", "reset-password", "alice", typed="staple correct horse")
        assert connection.execute("SELECT count(*) FROM sessions WHERE ended_at_us IS NULL").fetchone() == (0,)


@pytest.mark.parametrize("number", ["99999999999999999999", "-1", "x", "1e3"])
def test_what_is_no_number_of_a_key_is_refused(run: Run, number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run("key", "revoke", "alice", number)
    assert ended.value.code == 2


def test_bytes_that_are_no_text_are_refused(run: Run) -> None:
    told = "monorelay: what was given is not UTF-8\n"
    assert run("user", "disable", "b\udcffb")[::2] == (1, told)
    assert run("user", "add", "bob", "bob@example.org", typed="pass\udcffword")[::2] == (1, told)


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("ends_by", "code", "told"), [(EOFError, 1, "no password was given"), (KeyboardInterrupt, 130, "")]
)
def test_whoever_types_no_password_sees_no_traceback(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    ends_by: type[BaseException],
    code: int,
    told: str,
) -> None:
    def getpass(prompt: str) -> str:
        raise ends_by

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", getpass)
    assert main(["user", "add", "bob", "bob@example.org", "--config", str(home / "config.yml")]) == code
    assert told in capsys.readouterr().err


def test_without_a_configuration_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list", "--config", str(tmp_path / "nowhere.yml")]) == 2
    assert "nowhere.yml" in capsys.readouterr().err


def test_a_config_of_another_kind_is_fine_too(run: Run, home: Path) -> None:
    write_config(home, {}, {})
    assert run("user", "list") == (0, "", "")
