"""Every system call fails once, in every operation: no value is destroyed, and nobody is told otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults_injector import build, environment
from faults_operations import GROUPS

from polystore import BackendRegistry, FileManager
from polystore_core.files import is_temporary_name

ENUMERATE = Path(__file__).with_name("faults_enumerate.py")


@pytest.fixture(scope="session")
def preload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("preload"))


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize(
    ("rooted", "extent"),
    [
        ("plain", "sampled"),
        pytest.param("plain", "all", marks=pytest.mark.stress),
        pytest.param("rooted", "all", marks=pytest.mark.stress),
    ],
)
def test_whatever_call_fails_nothing_is_lost(
    preload: Path, tmp_path: Path, group: str, rooted: str, extent: str
) -> None:
    done = subprocess.run(
        [sys.executable, ENUMERATE, group, tmp_path, rooted, extent],
        env=environment(preload),
        stdout=subprocess.PIPE,
        check=True,
    )
    report = json.loads(done.stdout)
    print(f"{group}, {rooted}: {report['faults']} faults, {report['raised']} raised, ", end="")
    print(f"{len(report['violations'])} violations, {report['uncleared']} temporaries for the next sweep")
    assert report["violations"] == []
    assert report["faults"] >= 10
    assert litter_after_the_next_open(tmp_path) == []


def litter_after_the_next_open(folder: Path) -> list[str]:
    FileManager(BackendRegistry()).list_files(str(folder), backend="disk", recursive=True)
    return [name for _, _, names in os.walk(folder) for name in names if is_temporary_name(name)]
