from __future__ import annotations

from alembic.script import ScriptDirectory

from relay.resources import EXAMPLE_CONFIG, MIGRATIONS


def test_the_example_configuration_is_there() -> None:
    assert "access_key" in EXAMPLE_CONFIG.read_text(encoding="utf-8")


def test_the_migrations_are_there() -> None:
    assert {path.name for path in MIGRATIONS.iterdir()} >= {"env.py", "versions"}


def test_the_migrations_have_one_beginning_and_one_end() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert (len(scripts.get_bases()), len(scripts.get_heads())) == (1, 1)


def test_all_files_of_the_package_lie_inside_it() -> None:
    assert EXAMPLE_CONFIG.parent == MIGRATIONS.parent
    assert (EXAMPLE_CONFIG.parent / "__init__.py").is_file()
