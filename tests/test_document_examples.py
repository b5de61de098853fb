"""README and docs cannot show what does not work: how their blocks are executed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def outcome(folder: Path, document: str) -> str:
    """Write `document` into an otherwise empty project and return what pytest says about it."""
    shutil.copy(ROOT / "conftest.py", folder)
    (folder / "page.md").write_text(document)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", "."]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, "page.md"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout


def test_python_blocks_of_a_page_share_their_names(tmp_path: Path) -> None:
    assert "2 passed" in outcome(tmp_path, "```python\nx = 1\n```\n\n```python\n>>> x + 1\n2\n```\n")


def test_a_python_block_that_raises_fails(tmp_path: Path) -> None:
    assert "ZeroDivisionError" in outcome(tmp_path, "```python\n1 / 0\n```\n")


def test_a_doctest_that_prints_something_else_fails(tmp_path: Path) -> None:
    assert "1 failed" in outcome(tmp_path, "```python\n>>> 1 + 1\n3\n```\n")


def test_a_console_block_prints_what_it_shows(tmp_path: Path) -> None:
    page = "```console\n$ python -c 'print(1)'\n1\n$ python \\\n> -c 'print(\"a b c\")'\na ... c\n```\n"
    assert "1 passed" in outcome(tmp_path, page)


def test_a_console_block_that_prints_something_else_fails(tmp_path: Path) -> None:
    result = outcome(tmp_path, "```console\n$ python -c 'print(1)'\n2\n```\n")
    assert "shown in the document:\n2\nprinted by the command:\n1\n" in result


def test_a_console_command_with_an_exit_code_fails(tmp_path: Path) -> None:
    assert "exit code 3" in outcome(tmp_path, "```console\n$ python -c 'raise SystemExit(3)'\n```\n")


@pytest.mark.parametrize("language", ["py", "sh", "text", ""])
def test_other_blocks_are_only_read(tmp_path: Path, language: str) -> None:
    assert "no tests ran" in outcome(tmp_path, f"```{language}\n$ exit 1\n```\n")


def test_examples_leave_nothing_behind(tmp_path: Path) -> None:
    page = "```python\nfrom pathlib import Path\nPath('litter').touch()\nscratch = Path.cwd()\n```\n"
    remains = "```console\n$ python -c 'import os; print(os.listdir())'\n['litter']\n```\n"
    assert "2 passed" in outcome(tmp_path, page + remains)
    assert not (tmp_path / "litter").exists()
