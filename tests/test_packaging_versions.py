"""What every distribution of the workspace has in common."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
FOLDERS = [
    ROOT,
    ROOT / "polystore_core",
    *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml")),
]
NAMES = [folder.name if folder != ROOT else "polystore" for folder in FOLDERS]

each_distribution = pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)


def manifest(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def project(folder: Path) -> dict[str, Any]:
    return dict(manifest(folder)["project"])


def requirements(folder: Path) -> list[Requirement]:
    described = project(folder)
    extras = described.get("optional-dependencies", {}).values()
    return [Requirement(line) for line in chain(described.get("dependencies", ()), *extras)]


VERSION = project(ROOT)["version"]


@each_distribution
def test_all_distributions_carry_one_version(folder: Path) -> None:
    assert project(folder)["version"] == VERSION


@each_distribution
def test_our_own_requirements_are_pinned_to_that_version(folder: Path) -> None:
    ours = [needed for needed in requirements(folder) if needed.name.startswith("polystore-")]
    assert [str(needed.specifier) for needed in ours] == [f"=={VERSION}"] * len(ours)


@each_distribution
def test_our_own_requirements_are_members_of_the_workspace(folder: Path) -> None:
    sources = manifest(ROOT)["tool"]["uv"]["sources"]
    ours = {needed.name for needed in requirements(folder) if needed.name.startswith("polystore-")}
    assert {name for name in ours if sources.get(name) != {"workspace": True}} == set()


@each_distribution
def test_distribution_and_folder_have_the_same_name(folder: Path) -> None:
    name = "polystore" if folder == ROOT else folder.name
    assert project(folder)["name"] == name.replace("_", "-")


@each_distribution
def test_licence_and_readme_are_in_the_folder(folder: Path) -> None:
    described = project(folder)
    assert described["license"] == "MIT"
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert (folder / described["readme"]).read_text().startswith("# ")


@each_distribution
def test_types_are_shipped(folder: Path) -> None:
    packages = manifest(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [package for package in packages if not (folder / package / "py.typed").is_file()] == []


@each_distribution
def test_every_distribution_asks_for_the_same_python(folder: Path) -> None:
    assert project(folder)["requires-python"] == ">=3.11"


def test_the_changelog_has_a_heading_for_the_version() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert VERSION in headings


def test_constraints_are_names_and_versions_only() -> None:
    pin = re.compile(r"[a-z0-9.-]+==[0-9][A-Za-z0-9.!+-]*( ; [a-z_A-Z0-9.'<>=!* ()]+)?")
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not pin.fullmatch(line)] == []


def test_constraints_pin_nothing_of_ours() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if line.startswith("polystore")] == []


@each_distribution
def test_constraints_pin_every_requirement(folder: Path) -> None:
    pinned = {line.partition("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    theirs = {needed.name for needed in requirements(folder) if not needed.name.startswith("polystore")}
    assert theirs - pinned == set()
