"""Many processes merge into one metadata file, to the neighbouring project that has the name on the index.

It is installed from the index into an environment of its own, which is thrown away. With ``--quick`` nothing
is installed, and ours stands in for it.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from benchmarks._compare import Case, ratio
from benchmarks._neighbour import neighbour_python
from benchmarks._table import line

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_MOST_MS = {"p99": 100, "longest": 500}


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield the merges of 8 processes at both durabilities; print how long each of 16 has to wait."""
    processes, waiting, times = (2, 2, 5) if quick else (8, 16, 100)
    peer = sys.executable if quick else neighbour_python(folder / "neighbour")
    (folder / "plate").mkdir()
    for durability in ("durable", "atomic"):
        with ExitStack() as stack:
            ours, theirs = (
                stack.enter_context(_Team(python, arguments, processes, folder / "plate"))
                for python, arguments in ((sys.executable, {"durability": durability}), (peer, {}))
            )
            yield Case(
                f"{processes} processes x {times} merges, {durability}",
                partial(ours.merge, times),
                partial(theirs.merge, times),
                None if quick else ratio(0.4),
            )
    with (
        _Team(sys.executable, {}, waiting, folder / "plate") as ours,
        _Team(peer, {}, waiting, folder / "plate") as theirs,
    ):
        ours.merge(times)
        theirs.merge(times)
        for name, share in (("p99", 0.99), ("longest", 1.0)):
            print(_wait_line(f"{name} wait of {waiting} processes, durable", name, share, ours, theirs))


def _wait_line(title: str, name: str, share: float, ours: _Team, theirs: _Team) -> str:
    mine, other = (1000 * team.wait(share) for team in (ours, theirs))
    limit = _AT_MOST_MS[name]
    verdict = "ok" if mine <= limit else "MISS"
    return line(
        [
            title,
            f"{mine:.3g} ms",
            f"{other:.3g} ms",
            f"{mine / other:.2f}",
            "",
            "1",
            f"<= {limit} ms",
            verdict,
        ]
    )


class _Team:
    """Processes that wait to be told to merge, all into one file."""

    def __init__(self, python: str, arguments: dict[str, Any], size: int, folder: Path) -> None:
        command = [python, str(Path(__file__).with_name("_merging.py")), json.dumps(arguments)]
        self._path = folder / f"{id(self):x}.json"
        self._seconds: list[float] = []
        self._workers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(size)
        ]
        self._hear()

    def merge(self, times: int) -> int:
        """Have all merge at once into a new file; return how many merges are in it."""
        self._path.unlink(missing_ok=True)
        for index, worker in enumerate(self._workers):
            assert worker.stdin is not None
            request = {"path": str(self._path), "name": f"W{index}", "times": times}
            worker.stdin.write(json.dumps(request) + "\n")
            worker.stdin.flush()
        self._seconds = self._hear()
        entries = json.loads(self._path.read_text())["subdirectories"]
        return sum(map(len, entries.values()))

    def wait(self, share: float) -> float:
        """Seconds within which that share of the merges made last was done."""
        return sorted(self._seconds)[math.ceil(share * len(self._seconds)) - 1]

    def _hear(self) -> list[float]:
        answers = [worker.stdout.readline() for worker in self._workers if worker.stdout is not None]
        return [seconds for answer in answers for seconds in json.loads(answer)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.communicate()
