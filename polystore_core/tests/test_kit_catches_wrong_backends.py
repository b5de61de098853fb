"""The conformance kit passes a correct backend and fails each backend that makes a mistake."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wrong_backends import INVISIBLE_TO_THE_MODEL, WRONG

Verdicts = dict[str, dict[str, Any]]


class Judgement:
    """The kit at work on all backends, in a process of its own."""

    def __init__(self, folder: Path, selected: str) -> None:
        self._report = folder / "report.json"
        script, tests = (
            Path(__file__).with_name(name) for name in ("judge_backends.py", "wrong_backends.py")
        )
        temporary = f"--basetemp={folder / 'tmp'}"
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(self._report), str(tests), temporary, "-k", selected],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )

    def verdicts(self) -> Verdicts:
        said, _ = self._process.communicate()
        assert self._report.exists(), said
        found: Verdicts = json.loads(self._report.read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def judgements(tmp_path_factory: pytest.TempPathFactory) -> tuple[Verdicts, Verdicts]:
    invisible = " or ".join(sorted(INVISIBLE_TO_THE_MODEL))
    selections = ["not dictionary", f"dictionary and not ({invisible})"]
    running = [Judgement(tmp_path_factory.mktemp("judged"), selected) for selected in selections]
    by_example, by_model = (judgement.verdicts() for judgement in running)
    return by_example, by_model


@pytest.fixture(scope="module")
def by_example(judgements: tuple[Verdicts, Verdicts]) -> Verdicts:
    return judgements[0]


@pytest.fixture(scope="module")
def by_model(judgements: tuple[Verdicts, Verdicts]) -> Verdicts:
    return judgements[1]


@pytest.mark.parametrize("mistake", sorted(WRONG))
def test_a_mistake_is_caught(by_example: Verdicts, mistake: str) -> None:
    assert f"Test{mistake}" in by_example["failed"]


@pytest.mark.parametrize("mistake", sorted(WRONG.keys() - INVISIBLE_TO_THE_MODEL))
def test_a_mistake_is_caught_by_the_model_alone(by_model: Verdicts, mistake: str) -> None:
    assert f"Test{mistake}" in by_model["failed"]


def test_the_correct_backend_passes(by_example: Verdicts, by_model: Verdicts) -> None:
    assert "TestReferenceBackend" not in by_example["failed"] | by_model["failed"]
    assert by_example["passed"]["TestReferenceBackend"] > 250
    assert by_model["passed"]["TestReferenceBackend"] == 1
