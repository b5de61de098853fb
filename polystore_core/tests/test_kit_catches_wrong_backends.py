"""The conformance kit passes a correct backend and fails each backend that makes a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wrong_backends import INVISIBLE_TO_THE_MODEL, WRONG

Verdicts = dict[str, dict[str, Any]]


def judge(folder: Path, *arguments: str) -> Verdicts:
    report = folder / "report.json"
    script, tests = (Path(__file__).with_name(name) for name in ("judge_backends.py", "wrong_backends.py"))
    done = subprocess.run(
        [sys.executable, str(script), str(report), str(tests), f"--basetemp={folder / 'tmp'}", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    verdicts: Verdicts = json.loads(report.read_text(encoding="utf-8"))
    return verdicts


@pytest.fixture(scope="module")
def by_example(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    return judge(tmp_path_factory.mktemp("by_example"), "-k", "not dictionary")


@pytest.fixture(scope="module")
def by_model(tmp_path_factory: pytest.TempPathFactory) -> Verdicts:
    invisible = " or ".join(sorted(INVISIBLE_TO_THE_MODEL))
    return judge(tmp_path_factory.mktemp("by_model"), "-k", f"dictionary and not ({invisible})")


@pytest.mark.parametrize("mistake", sorted(WRONG))
def test_a_mistake_is_caught(by_example: Verdicts, mistake: str) -> None:
    assert by_example["failed"][f"Test{mistake}"]


@pytest.mark.parametrize("mistake", sorted(WRONG.keys() - INVISIBLE_TO_THE_MODEL))
def test_a_mistake_is_caught_by_the_model_alone(by_model: Verdicts, mistake: str) -> None:
    assert by_model["failed"][f"Test{mistake}"]


def test_the_correct_backend_passes(by_example: Verdicts, by_model: Verdicts) -> None:
    assert by_example["failed"]["TestReferenceBackend"] == []
    assert by_example["passed"]["TestReferenceBackend"] > 250
    assert by_model["failed"]["TestReferenceBackend"] == []
    assert by_model["passed"]["TestReferenceBackend"] == 1
