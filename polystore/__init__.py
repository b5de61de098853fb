"""One save and load for scientific arrays, whatever keeps or shows them.

Everything public is that of ``polystore_core``, imported when it is first used.

Examples
--------
>>> import numpy as np
>>> from polystore import BackendRegistry, FileManager
>>> fm = FileManager(BackendRegistry())
>>> fm.save(np.ones((2, 2)), "result.npy", backend="memory")
>>> fm.load("result.npy", backend="memory").sum()
np.float64(4.0)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from polystore_core import *  # noqa: F403 - the lazy names below, for type checkers

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    import polystore_core

    if name == "__all__" or name in polystore_core.__all__:
        return getattr(polystore_core, name)
    raise AttributeError(f"module 'polystore' has no attribute {name!r}")


def __dir__() -> list[str]:
    import polystore_core

    return sorted([*polystore_core.__all__, "__version__"])
