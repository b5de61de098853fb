"""Commands of other distributions: listed without being imported, and none can harm the others."""

from __future__ import annotations

from importlib import import_module

import pytest
from command_line import typed, write_distribution

from polystore.cli._commands import BUILT_IN

GREET = """
import click

@click.command()
@click.pass_obj
def greet(manager):
    print("backends:", len(manager.backends()), type(manager).__name__)
"""


@pytest.fixture
def plugins(tmp_path):
    return tmp_path / "plugins"


def add(plugins, name: str, entry: str, source: str) -> None:
    write_distribution(plugins, name, "polystore.commands", entry, source)


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_list_of_commands_says_what_each_says_itself(name):
    module, summary = BUILT_IN[name]
    command = getattr(import_module(f"polystore.cli.{module}"), name)
    assert command.get_short_help_str(limit=200) == summary


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_command_explains_itself(tmp_path, name):
    done = typed(name, "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: polystore {name} ")


def test_a_command_runs_and_is_given_the_file_manager(tmp_path, plugins):
    add(plugins, "greeting", "greet = greeting_cli:greet", GREET)
    done = typed("greet", cwd=tmp_path, plugins=plugins)
    assert done.stdout.startswith("backends: ")
    assert done.stdout.endswith(" FileManager\n")


def test_a_command_is_listed_without_being_imported(tmp_path, plugins):
    add(plugins, "greeting", "greet = greeting_cli:greet", "print('imported')\n" + GREET)
    done = typed("--help", cwd=tmp_path, plugins=plugins)
    assert "greet" in done.stdout
    assert "from greeting" in done.stdout
    assert "imported" not in done.stdout


@pytest.mark.parametrize(
    "source", ["raise RuntimeError('no')", "raise SystemExit(3)", "import no_such_module"]
)
def test_a_broken_command_harms_nobody_else(tmp_path, plugins, source):
    add(plugins, "broken", "crash = broken_cli:crash", source)
    assert typed("--help", cwd=tmp_path, plugins=plugins).returncode == 0
    assert typed("backends", cwd=tmp_path, plugins=plugins).returncode == 0
    done = typed("crash", cwd=tmp_path, plugins=plugins)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "polystore: error: plugin 'crash' (broken_cli:crash, from broken 1.2) cannot be"
    )
    assert done.stderr.count("\n") == 1


def test_an_entry_point_that_is_no_command_is_refused(tmp_path, plugins):
    add(plugins, "odd", "odd = odd_cli:odd", "odd = 3")
    done = typed("odd", cwd=tmp_path, plugins=plugins)
    assert done.returncode == 1
    assert "must name a click command; got int" in done.stderr


def test_a_built_in_command_cannot_be_taken_over(tmp_path, plugins):
    add(plugins, "thief", "ls = thief_cli:greet", GREET)
    assert typed("ls", "-b", "disk", cwd=tmp_path, plugins=plugins).stdout == "plugins/\n"
    done = typed("doctor", cwd=tmp_path, plugins=plugins)
    assert done.returncode == 1
    assert "built in" in done.stdout


def test_two_claims_to_one_name_are_an_error_that_names_both(tmp_path, plugins):
    add(plugins, "first", "greet = first_cli:greet", GREET)
    add(plugins, "second", "greet = second_cli:greet", GREET)
    done = typed("greet", cwd=tmp_path, plugins=plugins)
    assert done.returncode == 1
    assert "first 1.2" in done.stderr
    assert "second 1.2" in done.stderr
