"""The launcher that goes through pyimagej, against the signatures of the real one.

pyimagej fetches Fiji with Maven, which tests do not: what is checked here is that it is called as it wants to
be, and that what it says when it fails arrives.
"""

import ast
import inspect
from pathlib import Path

import imagej
import pytest
import scyjava
from fiji_process import FijiProcess

from polystore_core import BackendUnavailable
from polystore_fiji import _launch


def calls(name: str) -> list[ast.Call]:
    tree = ast.parse(Path(_launch.__file__).read_text())
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == name]


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("imagej.init", imagej.init),
        ("scyjava.config.add_option", scyjava.config.add_option),
        ("scyjava.config.set_java_constraints", scyjava.config.set_java_constraints),
    ],
)
def test_every_call_fits_the_signature(name, function):
    found = calls(name)
    assert found
    for call in found:
        keywords = {keyword.arg: None for keyword in call.keywords}
        inspect.signature(function).bind(*call.args, **keywords)


def test_the_mode_exists():
    assert imagej.Mode.INTERACTIVE.value == "interactive"


@pytest.mark.parametrize("fiji", ["/nowhere/Fiji.app", "{tmp}"])
def test_a_folder_that_is_no_fiji_is_named_with_what_to_do(screen, tmp_path, fiji):
    folder = fiji.format(tmp=tmp_path)
    with pytest.raises(BackendUnavailable, match=f"pyimagej cannot start {folder}: .*use launcher='jar'"):
        FijiProcess(screen, tmp_path, fiji=folder)
