"""Typing commands, and distributions that bring plugins along without being installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

POLYSTORE = [str(Path(sys.executable).parent / "polystore")]


def typed(
    *arguments: str, cwd: Path, plugins: Path | None = None, **options
) -> subprocess.CompletedProcess[str]:
    """Run ``polystore`` as a process of its own."""
    return subprocess.run(
        [*POLYSTORE, *arguments],
        cwd=cwd,
        env=environment(plugins),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def environment(plugins: Path | None = None) -> dict[str, str]:
    """Variables of a plain shell, with ``plugins`` on the search path of Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("POLYSTORE")}
    kept |= {"NO_COLOR": "1", "COLUMNS": "100", "TERM": "dumb"}
    return kept | ({"PYTHONPATH": str(plugins)} if plugins else {})


def write_distribution(folder: Path, name: str, group: str, entry: str, source: str) -> None:
    """Write what an installed distribution with one entry point and one module looks like."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = folder / f"{name}-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry}\n")
    module = entry.partition("=")[2].strip().partition(":")[0]
    (folder / f"{module}.py").write_text(source)
