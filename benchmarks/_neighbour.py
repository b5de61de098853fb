"""The neighbouring project that has the name on the index, in an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["neighbour_python"]

_GIVEN = "POLYSTORE_NEIGHBOUR"


def neighbour_python(environment: Path) -> str:
    """Return the Python of an environment that has the newest `polystore` of the index.

    Parameters
    ----------
    environment
        Folder that the environment is made in, and thrown away with. Unused if the variable
        ``POLYSTORE_NEIGHBOUR`` names the Python of one that was made before.
    """
    python = os.environ.get(_GIVEN) or _installed(environment)
    version = "import importlib.metadata as m; print(m.version('polystore'))"
    found = subprocess.run([python, "-c", version], check=True, text=True, stdout=subprocess.PIPE)
    print(f"peer: polystore {found.stdout.strip()} of the index", flush=True)
    return python


def _installed(environment: Path) -> str:
    python = str(environment / "bin" / "python")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    subprocess.run([*pip, "install", "-q", "polystore"], check=True)
    return python
