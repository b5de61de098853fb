"""starting a new interpreter, to one that imports nothing or only numpy."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks._compare import Case, Target, added

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SAVE = (
    "from polystore import BackendRegistry, FileManager; import numpy; "
    "FileManager(BackendRegistry()).save(numpy.zeros((8, 8)), {path!r}, backend={backend!r})"
)
_HEAVY = ("numpy", "polystore_disk", "polystore_memory", "tifffile", "imagecodecs")


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:  # noqa: ARG001
    """Yield imports, and the first save with each backend."""
    yield _case(
        "import polystore, to nothing", "import polystore", "pass", added(60, "ms"), _imports_nothing_heavy
    )
    yield _case(
        "from polystore import FileManager, to nothing",
        "from polystore import FileManager",
        "pass",
        None,
        _imports_nothing_heavy,
    )
    yield _case(
        "first save into memory, to import numpy",
        _SAVE.format(path="a.npy", backend="memory"),
        "import numpy",
        None,
    )
    path, bare = str(folder / "a.npy"), str(folder / "b.npy")
    yield _case(
        "first save to disk (.npy), to numpy.save",
        _SAVE.format(path=path, backend="disk"),
        f"import numpy; numpy.save({bare!r}, numpy.zeros((8, 8)))",
        None,
    )


def _case(
    name: str,
    ours: str,
    peer: str,
    target: Target | None,
    check: Callable[[str], bool] = bool,
) -> Case:
    return Case(name, lambda: _run(ours), lambda: _run(peer), target, same=lambda *_: check(ours))


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def _imports_nothing_heavy(code: str) -> bool:
    report = f"{code}; import sys; sys.exit(any(name in sys.modules for name in {_HEAVY!r}))"
    return subprocess.run([sys.executable, "-c", report], check=False).returncode == 0
