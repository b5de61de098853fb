"""Let the conformance kit judge backends: ``python judge_backends.py REPORT TESTS [pytest arguments]``.

Each test class of the file TESTS is judged up to its first failure; the failures go to the JSON file REPORT.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest


class Judge:
    """Collects what failed for each backend and goes on to the next one after the first failure."""

    def __init__(self):
        self.failed = defaultdict(list)
        self.passed = defaultdict(int)

    def pytest_runtestloop(self, session):
        for item in session.items:
            if not self.failed[item.cls.__name__]:
                session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        return True

    def pytest_runtest_logreport(self, report):
        _, name, test = report.nodeid.split("::")
        if report.failed:
            self.failed[name].append(test)
        elif report.when == "call" and report.passed:
            self.passed[name] += 1


def main(report: str, tests: str, *arguments: str) -> None:
    metadata.entry_points = cache(metadata.entry_points)  # thousands of registries look, nothing is installed
    judge = Judge()
    options = ["-q", "--no-header", "-rN", "--tb=no", "-p", "no:cacheprovider", "-o", "addopts="]
    pytest.main([tests, *options, *arguments], plugins=[judge])
    verdicts = {"failed": judge.failed, "passed": judge.passed}
    Path(report).write_text(json.dumps(verdicts), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
