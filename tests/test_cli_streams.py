"""What scripts rely on: exit codes, which stream says what, pipes, interrupts, terminals."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from command_line import POLYSTORE, environment, typed, write_distribution

from polystore import FileManager
from polystore.progress import bar

WAITS = """
import sys
import click

@click.command()
def wait():
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def plate(tmp_path):
    FileManager().save_batch(["x"] * 3, [f"{tmp_path}/plate/{n}.txt" for n in range(3)], backend="disk")
    return tmp_path


def at_a_terminal(command: list[str], folder) -> str:
    """What a command shows to somebody who looks at it."""
    ours, theirs = pty.openpty()
    variables = environment() | {"TERM": "xterm", "COLUMNS": "100"}
    del variables["NO_COLOR"]
    process = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:
        pass
    assert process.wait(timeout=60) == 0
    os.close(ours)
    return shown.decode()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["backends"], 0),
        (["ls", "plate", "-b", "disk"], 0),
        (["ls", "nowhere", "-b", "disk"], 1),
        (["info", "plate/0.txt", "-b", "disk", "-p", "{well}.tif"], 1),
        ([], 2),
        (["lss"], 2),
        (["ls", "--no-such-option"], 2),
        (["cp", "only-one", "--from", "disk"], 2),
        (["ls", "-b", "nowhere"], 2),
    ],
)
def test_exit_codes(plate, arguments, code):
    assert typed(*arguments, cwd=plate).returncode == code


def test_results_go_to_standard_output_and_errors_to_standard_error(plate):
    good = typed("ls", "plate", "-b", "disk", cwd=plate)
    assert (good.stdout, good.stderr) == ("plate/0.txt\nplate/1.txt\nplate/2.txt\n", "")
    bad = typed("ls", "nowhere", "-b", "disk", cwd=plate)
    assert bad.stdout == ""
    assert bad.stderr == "polystore: error: cannot list 'nowhere': there is no such file or directory\n"


def test_a_mistyped_preset_is_no_glob_that_lists_nothing(plate):
    done = typed("ls", "plate", "-b", "disk", "--pattern", "imagexpres", cwd=plate)
    assert done.returncode == 2
    assert "Did you mean 'imagexpress'?" in done.stderr
    assert typed("ls", "plate", "-b", "disk", "--pattern", "0.txt", cwd=plate).stdout == "plate/0.txt\n"


def test_nothing_is_started_to_view_what_is_not_there(plate):
    done = typed("view", "nowhere.zarr", "-b", "disk", cwd=plate)
    assert done.returncode == 1
    assert done.stderr == "polystore: error: cannot stat 'nowhere.zarr': there is no such file or directory\n"


def test_a_mistyped_command_is_told_what_it_may_have_meant(plate):
    assert "Did you mean 'backends'?" in typed("backend", cwd=plate).stderr


def test_an_error_is_one_line(plate):
    done = typed("info", "plate/0.txt", "-b", "disk", "-p", "no-such-preset", cwd=plate)
    assert done.returncode == 2
    assert done.stderr.startswith("polystore: error: no preset 'no-such-preset'; presets: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["--debug", "ls", "nowhere", "-b", "disk"], ["ls", "nowhere", "-b", "disk", "--debug"]]
)
def test_debug_shows_the_traceback_wherever_it_stands(plate, arguments):
    done = typed(*arguments, cwd=plate)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1].startswith("polystore: error: ")


def test_debug_behind_a_double_dash_is_a_path(plate):
    FileManager().save("x", f"{plate}/--debug/x.txt", backend="disk")
    assert typed("ls", "-b", "disk", "--", "--debug", cwd=plate).stdout == "--debug/x.txt\n"


def test_an_output_that_nobody_reads_ends_the_command_silently(plate):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*POLYSTORE, "ls", "plate", "-b", "disk"],
        cwd=plate,
        env=environment(),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_an_interrupt_ends_the_command_with_130(tmp_path):
    write_distribution(
        tmp_path / "plugins", "waiting", "polystore.commands", "wait = waiting_cli:wait", WAITS
    )
    process = subprocess.Popen(
        [*POLYSTORE, "wait"],
        env=environment(tmp_path / "plugins"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert error.strip() == "polystore: interrupted"


def test_tables_in_a_pipe_have_no_boxes_and_no_colours(plate):
    heading, *rows = typed("backends", cwd=plate).stdout.splitlines()
    assert heading.split() == ["name", "state", "version", "distribution", "capabilities"]
    assert all(len(row.split()) == 5 for row in rows)
    assert all(re.fullmatch(r"[\x20-\x7e]+", row) for row in [heading, *rows])


def test_tables_at_a_terminal_are_drawn(plate):
    shown = at_a_terminal([*POLYSTORE, "backends"], plate)
    assert "─" in shown
    assert "polystore-memory" in shown


def test_a_copy_at_a_terminal_shows_a_bar(plate):
    shown = at_a_terminal([*POLYSTORE, "cp", "plate", "copy", "--from", "disk"], plate)
    assert "disk to disk" in shown
    assert "3/3" in shown


def test_progress_true_shows_the_bar_of_the_facade(plate):
    script = (
        "from polystore import FileManager\n"
        "FileManager().save_batch(['x'] * 4, [f'{n}.txt' for n in range(4)], backend='memory', progress=True)"
    )
    shown = at_a_terminal([sys.executable, "-c", script], plate)
    assert "save to memory" in shown
    assert "4/4" in shown


def test_the_bar_is_silent_where_nobody_looks(capsys):
    with bar("save to disk", 2) as report:
        report(1, 2)
        report(2, 2)
    assert capsys.readouterr() == ("", "")


def test_commands_import_nothing_that_they_do_not_need(tmp_path):
    script = "import sys; from polystore.cli import main; main(['--help']); print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert {"numpy", "rich", "skimage", "tifffile", "polystore_disk"}.isdisjoint(done.stdout.splitlines())
