"""All tests of the kit in one class."""

from __future__ import annotations

from polystore_core.testing._batches import BatchFailureTests, BatchTests
from polystore_core.testing._errors import ErrorTests
from polystore_core.testing._exactness import ExactnessTests
from polystore_core.testing._listing import ListingTests, PathTests
from polystore_core.testing._machine import ModelTests
from polystore_core.testing._namespace import DeletionTests, DirectoryTests, ExistenceTests
from polystore_core.testing._processes import LazinessTests, PersistenceTests, ProcessTests
from polystore_core.testing._saving import CapabilityTests, LoadingTests, SavingTests
from polystore_core.testing._threads import ThreadTests
from polystore_core.testing._transfers import CopyTests, ExchangeTests, MoveTests

__all__ = ["BackendConformance"]


class BackendConformance(
    ModelTests,
    LazinessTests,
    ProcessTests,
    ThreadTests,
    ExactnessTests,
    ErrorTests,
    ExchangeTests,
    MoveTests,
    CopyTests,
    PathTests,
    ListingTests,
    DeletionTests,
    DirectoryTests,
    ExistenceTests,
    PersistenceTests,
    BatchFailureTests,
    BatchTests,
    LoadingTests,
    SavingTests,
    CapabilityTests,
):
    """What every backend must do; subclass it in a test module, and name the backend.

    The attributes say what the backend is; see :class:`Kit` for all of them. Tests follow from them: a
    read-only backend is tested for reading, and for refusing to write.

    Examples
    --------
    >>> from polystore_core.testing import BackendConformance
    >>> class TestMemory(BackendConformance):
    ...     backend = "memory"
    """
