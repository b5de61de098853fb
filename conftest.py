"""Run every example: docstrings, and the ``python`` and ``console`` blocks of README and docs.

Each document and each docstring runs in a scratch directory of its own, a document with a screen for viewers.
A ``python`` block is executed, a block that starts with ``>>>`` is a doctest, and a ``console`` block that
starts with ``$ polystore`` or ``$ python`` is typed into a shell: each command must succeed, and print what
the block shows (``...`` stands for anything). What is only to be read goes into ``py``, ``sh`` or ``text``
blocks.
"""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sybil import Sybil
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from polystore_streaming.testing import private_viewers, virtual_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sybil import Document, Example, Region

settings.register_profile("polystore", deadline=None)
settings.load_profile("polystore")

LENIENT = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PATIENCE_SECONDS = 300

collect_ignore = ["docs/conf.py", "docs/plugin_guide", "docs/_build", "build", "dist"]


class ConsoleBlockParser(CodeBlockParser):
    """The ``console`` blocks whose first command is ``polystore`` or ``python``."""

    language = "console"

    def __call__(self, document: Document) -> Iterator[Region]:
        """Yield the blocks that are to be run."""
        for region in super().__call__(document):
            if region.parsed.startswith(("$ polystore ", "$ python ")):
                yield region

    def evaluate(self, example: Example) -> str | None:
        """Type the commands one after another; say what went wrong with the first that does."""
        for command, expected in commands(example.parsed):
            complaint = run(command, expected)
            if complaint:
                return complaint
        return None


def commands(block: str) -> list[tuple[str, str]]:
    r"""Split a console block into commands and what each is shown to print.

    Examples
    --------
    >>> commands("$ python -c 'print(1)'\n1\n$ cp a \\\n> b\n")
    [("python -c 'print(1)'", '1\n'), ('cp a \\\nb', '')]
    """
    found: list[tuple[str, str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        elif found[-1][0].endswith("\\"):
            found[-1] = (f"{found[-1][0]}\n{line.removeprefix('> ')}", "")
        else:
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def run(command: str, expected: str) -> str | None:
    """Run one command with the tools of this environment first on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    done = subprocess.run(
        ["bash", "-c", command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    if done.returncode:
        return f"$ {command}\nexit code {done.returncode}:\n{done.stdout}"
    if expected and not doctest.OutputChecker().check_output(expected, done.stdout, LENIENT):
        return f"$ {command}\nshown in the document:\n{expected}printed by the command:\n{done.stdout}"
    return None


def enter_scratch_directory(namespace: dict[str, Any]) -> None:
    """Give a document an empty working directory, a screen, and viewers of its own."""
    namespace["_scratch"] = scratch = ExitStack()
    folder = scratch.enter_context(tempfile.TemporaryDirectory(prefix="polystore-docs-"))
    scratch.enter_context(chdir(folder))
    scratch.enter_context(virtual_screen())
    scratch.enter_context(private_viewers())


def leave_scratch_directory(namespace: dict[str, Any]) -> None:
    """Go back and remove what the examples of the document wrote and started."""
    namespace["_scratch"].close()


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A screen without a monitor: its ``DISPLAY``."""
    with virtual_screen() as display:
        yield display


@pytest.fixture(scope="session")
def _litter() -> Iterator[str]:
    """Temporary directories of docstrings, removed in the end; their names are short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="polystore-") as folder:
        yield folder


@pytest.fixture(autouse=True)
def _docstrings_run_in_a_scratch_directory(request: pytest.FixtureRequest) -> None:
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
        monkeypatch.setattr(tempfile, "tempdir", request.getfixturevalue("_litter"))


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(doctest_optionflags=LENIENT), ConsoleBlockParser()],
    patterns=["*.md"],
    setup=enter_scratch_directory,
    teardown=leave_scratch_directory,
).pytest()
