"""Every benchmark runs, both sides agree on the data, and the ratios are numbers. How fast is no test."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[1]
sys.path.insert(0, str(REPOSITORY))

from benchmarks import BENCHMARKS  # noqa: E402
from benchmarks._compare import Case, Disagreement, added, compare, equal, ratio  # noqa: E402


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_compares_what_is_the_same(name, tmp_path):
    rows = [compare(case, seconds=0.0, at_least=1) for case in BENCHMARKS[name].cases(tmp_path, quick=True)]
    assert rows
    for row in rows:
        assert all(math.isfinite(value) and value > 0 for value in (row.ours, row.peer, row.median, row.best))


def test_sides_that_disagree_are_not_compared():
    case = Case("sum", lambda: 1, lambda: 2, ratio(1.0))
    with pytest.raises(Disagreement, match="sum: the two sides do not give the same result"):
        compare(case, seconds=0.0)


def test_both_sides_take_turns():
    turns = []
    case = Case("turns", lambda: turns.append("ours"), lambda: turns.append("peer"), None)
    row = compare(case, seconds=0.0, at_least=2)
    assert row.repetitions == 2
    assert turns == ["ours", "peer", "peer", "ours", "ours", "peer"]


def test_each_measurement_is_prepared():
    prepared = []
    compare(Case("x", list, list, None, prepare=lambda: prepared.append(1)), seconds=0.0, at_least=3)
    assert len(prepared) == 7


def test_an_added_time_is_told_in_its_unit():
    row = compare(Case("x", list, list, added(1000, "ms"), calls=10), seconds=0.0)
    assert row.added is not None
    assert row.holds


@pytest.mark.parametrize(
    ("ours", "peer"),
    [
        (np.zeros(2, "u1"), np.zeros(2, "u2")),
        ([np.zeros(2)], [np.ones(2)]),
        ({"a": np.zeros(2)}, {"b": np.zeros(2)}),
        ([1], [1, 2]),
    ],
)
def test_values_that_differ_are_not_equal(ours, peer):
    assert not equal(ours, peer)


def test_the_command_prints_one_table():
    command = [sys.executable, "-m", "benchmarks", "routing", "memory", "--quick"]
    shown = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert "load, 50 backends to 1" in shown
    assert "save, to a dictionary of copies" in shown


def test_an_unknown_name_lists_those_there_are():
    command = [sys.executable, "-m", "benchmarks", "speed"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        "no benchmark 'speed'; there are: routing, imports, files, batches, listing, memory, metadata"
        in done.stderr
    )
