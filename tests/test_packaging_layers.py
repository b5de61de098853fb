"""Data flows one way: facade -> core <- plugins. Read from the source, nothing is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PLUGINS = {path.name: path.parent.parent for path in ROOT.glob("plugins/*/src/polystore_*")}
FOLDERS = {"polystore": ROOT, "polystore_core": ROOT / "polystore_core", **PLUGINS}

# These come in with what callers hand to us; nobody who has none of them installed gets to their imports.
GUESTS = {"cupy", "jax", "ml_dtypes", "pandas", "pyarrow", "tensorflow", "torch"}

each_package = pytest.mark.parametrize("package", FOLDERS)
each_plugin = pytest.mark.parametrize("package", PLUGINS)


def source(package: str) -> Path:
    folder = FOLDERS[package]
    return folder / package if folder == ROOT else folder / "src" / package


def modules(package: str) -> dict[str, Path]:
    """Dotted name of each module of a package, and its file."""
    base = source(package).parent
    names = {
        path: ".".join(path.relative_to(base).with_suffix("").parts) for path in source(package).rglob("*.py")
    }
    return {name.removesuffix(".__init__"): path for path, name in names.items()}


def guarded(node: ast.AST) -> bool:
    """Whether the code runs later or never: a function body, or ``if TYPE_CHECKING``."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test).endswith("TYPE_CHECKING")
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def imports(tree: ast.AST, *, at_once: bool) -> Iterator[str]:
    """Dotted names that the code imports; with `at_once` only those of import time."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield from (f"{module}.{alias.name}" for alias in node.names)
            case ast.ImportFrom():
                pytest.fail(f"line {node.lineno}: a relative import; write the full name")
            case _ if not (at_once and guarded(node)):
                yield from imports(node, at_once=at_once)


def imported(package: str, *, at_once: bool) -> dict[str, set[str]]:
    """What each module of a package imports."""
    return {
        name: set(imports(ast.parse(path.read_text(), str(path)), at_once=at_once))
        for name, path in modules(package).items()
    }


def tops(package: str, *, at_once: bool = False) -> set[str]:
    """The packages that a package imports, without the standard library and itself."""
    names = {
        name.partition(".")[0] for found in imported(package, at_once=at_once).values() for name in found
    }
    return names - set(sys.stdlib_module_names) - {package, "__future__"}


def declared(package: str) -> set[str]:
    """Normalised names of the distributions that a package asks for, extras included."""
    project = tomllib.loads((FOLDERS[package] / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    return {normalised(Requirement(line).name) for line in chain(project.get("dependencies", ()), *extras)}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@each_package
def test_what_a_package_imports_is_what_it_declares(package: str) -> None:
    providers = packages_distributions()
    allowed = declared(package)
    undeclared = {
        top
        for top in tops(package) - GUESTS
        if not allowed & {normalised(name) for name in providers.get(top, [top])}
    }
    assert undeclared == set()


@each_package
def test_no_guest_is_imported_at_once(package: str) -> None:
    assert tops(package, at_once=True) & GUESTS == set()


def test_core_knows_no_plugin_and_no_facade() -> None:
    assert {top for top in tops("polystore_core") if top.startswith("polystore")} == set()


def test_the_facade_knows_no_plugin() -> None:
    assert {top for top in tops("polystore") if top.startswith("polystore")} <= {"polystore_core"}


@each_plugin
def test_a_plugin_knows_neither_facade_nor_file_manager(package: str) -> None:
    names = set().union(*imported(package, at_once=False).values())
    assert {name for name in names if name.startswith(("polystore.", "polystore_core.manager"))} == set()
    assert names & {"polystore", "polystore_core.FileManager"} == set()


@each_plugin
def test_a_plugin_uses_only_the_public_face_of_core(package: str) -> None:
    names = set().union(*imported(package, at_once=False).values())
    assert {name for name in names if name.startswith("polystore_core.") and "._" in name} == set()


@each_package
def test_modules_do_not_import_one_another_in_a_circle(package: str) -> None:
    known = modules(package)
    graph = {
        name: {target if target in known else target.rpartition(".")[0] for target in found} & known.keys()
        for name, found in imported(package, at_once=True).items()
    }
    TopologicalSorter(graph).prepare()


@each_package
def test_tests_of_all_packages_have_names_of_their_own(package: str) -> None:
    elsewhere = {
        path.name
        for other, folder in FOLDERS.items()
        if other != package
        for path in (folder / "tests").rglob("test_*.py")
    }
    assert {path.name for path in (FOLDERS[package] / "tests").rglob("test_*.py")} & elsewhere == set()


@each_package
def test_test_folders_are_no_packages(package: str) -> None:
    assert [*(FOLDERS[package] / "tests").rglob("__init__.py")] == []
