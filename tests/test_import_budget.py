"""You pay for what you use: what `import polystore` brings in."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "PIL",
    "asyncio",
    "click",
    "imagecodecs",
    "numpy",
    "pandas",
    "rich",
    "scipy",
    "skimage",
    "tifffile",
}


def loaded_after(code: str) -> set[str]:
    """Names in ``sys.modules`` after running `code` in a fresh interpreter."""
    report = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def plugins(names: set[str]) -> set[str]:
    tops = {name.partition(".")[0] for name in names}
    return {top for top in tops if top.startswith("polystore_") and top != "polystore_core"}


@pytest.mark.parametrize("package", ["polystore", "polystore_core"])
def test_import_brings_in_nothing_heavy(package: str) -> None:
    assert loaded_after(f"import {package}") & HEAVY == set()


@pytest.mark.parametrize("package", ["polystore", "polystore_core"])
def test_import_brings_in_no_plugin(package: str) -> None:
    assert plugins(loaded_after(f"import {package}")) == set()


def test_import_stays_within_its_budget_of_modules() -> None:
    assert len(loaded_after("import polystore") - loaded_after("pass")) <= 60


def test_the_public_names_bring_in_no_plugin() -> None:
    names = loaded_after("from polystore import BackendRegistry, FileManager")
    assert plugins(names) == set()
    assert names & (HEAVY - {"numpy"}) == set()
