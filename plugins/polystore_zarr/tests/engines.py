"""The engines, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from polystore_zarr import _direct

ENGINES = ["zarr-python", "zarrs"]


@contextmanager
def by_itself(engine: str) -> Iterator[None]:
    """Let zarrs decode also what has a shorter way, which is tested with the other engine."""
    with pytest.MonkeyPatch.context() as patch:
        if engine == "zarrs":
            patch.setattr(_direct, "form_of", lambda metadata: None)
        yield
