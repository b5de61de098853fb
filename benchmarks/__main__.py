"""Run benchmarks and print one table."""

from __future__ import annotations

import argparse
import platform
import tempfile
from pathlib import Path

from benchmarks import BENCHMARKS
from benchmarks._compare import compare
from benchmarks._table import HEAD, cells, line
from polystore_core.plugins import Batch


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of: {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="tiny data: shows that it runs, not how fast")
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each line (default: 2)")
    parser.add_argument("--folder", type=Path, help="where to write (default: the system's temporary folder)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are: {', '.join(BENCHMARKS)}")

    print(f"Python {platform.python_version()}, {Batch().threads} processors, {platform.platform()}")
    print("median: of ours / peer, pair by pair; best: fastest of ours / fastest of peer")
    missed = 0
    for name in arguments.names or BENCHMARKS:
        print(f"\n{name}: {(BENCHMARKS[name].__doc__ or '').splitlines()[0]}\n{HEAD}")
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            for case in BENCHMARKS[name].cases(Path(folder), quick=arguments.quick):
                row = compare(case, seconds=0.0 if arguments.quick else arguments.seconds)
                missed += not row.holds
                print(line(cells(row)), flush=True)
    print(f"\n{missed} lines miss what is promised" if missed else "\nevery line keeps what is promised")


if __name__ == "__main__":
    main()
