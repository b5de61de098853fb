"""The conformance kit: the tests that every backend must pass, for backend authors to subclass.

Needs pytest and Hypothesis: ``pip install "polystore-core[testing]"``. Name the backend in a test module,
and pytest does the rest.

Examples
--------
>>> from polystore_core.testing import BackendConformance
>>> class TestMemory(BackendConformance):
...     backend = "memory"
"""

import pkgutil

import pytest

pytest.register_assert_rewrite(*(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)))

from polystore_core.testing._conformance import BackendConformance  # noqa: E402
from polystore_core.testing._kit import Kit, needs  # noqa: E402
from polystore_core.testing._machine import StoreMachine  # noqa: E402
from polystore_core.testing._reference import ReferenceBackend  # noqa: E402
from polystore_core.testing._store import Store  # noqa: E402

__all__ = ["BackendConformance", "Kit", "ReferenceBackend", "Store", "StoreMachine", "needs"]
