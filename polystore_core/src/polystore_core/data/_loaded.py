"""Looking at libraries that the caller has imported, and only those."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["loaded_numpy"]


def loaded_numpy() -> Any:
    """Return numpy; ``None`` if nobody can have an array: it is not imported, or is just being imported."""
    numpy = sys.modules.get("numpy")
    return numpy if hasattr(numpy, "ndarray") else None
