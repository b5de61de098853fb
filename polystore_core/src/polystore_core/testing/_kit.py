"""What a backend author says about the backend, and which tests follow from that."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings

from polystore_core.plugins import BackendRegistry
from polystore_core.testing._samples import any_value, sample
from polystore_core.testing._store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from hypothesis.strategies import SearchStrategy

    from polystore_core.data import Data, DataKind

__all__ = ["Kit", "needs"]

T = TypeVar("T", bound=Callable[..., object])

_NEEDS = "_conformance_needs"
_EITHER = {"put": ("write", "raw_put"), "get": ("read", "raw_get")}
_FACTS = ("persistent", "shared", "rooted", "installed", "holds_every_array")
_MADE_OF = {"copy": {"read", "write"}, "move": {"read", "write", "delete"}}
"""What the file manager makes of other operations if the backend lacks a hook."""


def needs(*abilities: str) -> Callable[[T], T]:
    """Mark a test as one for backends that have all these abilities.

    Parameters
    ----------
    *abilities
        Operations of the backend; ``"put"`` and ``"get"`` for a way to place and to look up values, through
        the backend or past it; ``"raw_put"``, ``"raw_get"``; ``"persistent"``, ``"shared"``, ``"rooted"``,
        ``"installed"``; ``"holds_every_array"``; or a kind of data.
    """

    def mark(test: T) -> T:
        setattr(test, _NEEDS, frozenset(abilities))
        return test

    return mark


class Kit:
    """What the tests need to know; the attributes are for backend authors to set.

    A test that the backend cannot serve is not collected at all: it is neither passed nor skipped. What
    the backend cannot do is tested too, it must be refused.
    """

    backend: ClassVar[str]
    """Name of the backend."""

    capabilities: ClassVar[Collection[str]] = (
        "read",
        "write",
        "list",
        "stat",
        "delete",
        "move",
        "copy",
        "make_directory",
    )
    """The operations that the backend implements, no more and no less; a test compares."""

    suffixes: ClassVar[Mapping[DataKind, str]] = {
        "array": ".npy",
        "bytes": ".bin",
        "text": ".txt",
        "json": ".json",
        "table": ".npz",
    }
    """The kinds of data that the backend takes, and for each how the name of its files ends."""

    holds_every_array: ClassVar[bool] = True
    """False if some dtypes or shapes are refused; those it takes must still come back unchanged."""

    persistent: ClassVar[bool] = False
    """Whether a new registry over the same folder finds what was saved."""

    shared: ClassVar[bool] = False
    """Whether another process finds what was saved."""

    rooted: ClassVar[bool] = True
    """Whether the store has a root that ``..`` may not leave."""

    installed: ClassVar[bool] = True
    """Whether the backend is found by its entry point; false for one that :meth:`registry` registers."""

    heavy_modules: ClassVar[Collection[str]] = ()
    """Further modules that nobody shall pay for before the backend is named, ``("zarr",)`` for example."""

    settings: ClassVar[settings] = settings(
        max_examples=50,
        stateful_step_count=30,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    """How hard Hypothesis tries: examples per property, and steps per example of the state machine."""

    def configuration(self, folder: Path) -> Mapping[str, Any]:
        """Return the backend's configuration for a store that lies in an empty folder.

        Parameters
        ----------
        folder
            An existing directory for this store alone. The same folder means the same store.
        """
        return {}

    def registry(self, folder: Path) -> BackendRegistry:
        """Open a store; override this to register a backend that has no entry point.

        Parameters
        ----------
        folder
            As for :meth:`configuration`.
        """
        return BackendRegistry({self.backend: self.configuration(folder)})

    def raw_put(self, folder: Path, path: str, value: Data) -> None:
        """Place a value in the store without the backend.

        Override it where there is such a way: what is read is then tested without trusting what writes.
        """
        raise NotImplementedError

    def raw_get(self, folder: Path, path: str) -> Data:
        """Look up a value in the store without the backend; as :meth:`raw_put`."""
        raise NotImplementedError

    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        """Provide a fresh, empty store."""
        folder = tmp_path / "store"
        folder.mkdir()
        with self.opened(folder) as store:
            yield store

    @contextlib.contextmanager
    def opened(self, folder: Path) -> Iterator[Store]:
        """Open the store of a folder and close it afterwards."""
        store = Store(self, self.registry(folder), folder)
        with store.fm:
            yield store

    @property
    def kind(self) -> DataKind:
        """The kind of data of tests for which the kind does not matter: the first of ``suffixes``."""
        return next(iter(self.suffixes))

    def name(self, stem: str, kind: DataKind | None = None) -> str:
        """Complete a path by the suffix of a kind."""
        return stem + self.suffixes[kind or self.kind]

    def value(self, number: int = 0, kind: DataKind | None = None) -> Data:
        """Return a small value; different for different numbers."""
        return sample(kind or self.kind, number)

    def any_value(self, kind: DataKind) -> SearchStrategy[Any]:
        """Return a strategy for values of a kind, arrays among them.

        Override it together with :meth:`value` where the backend takes only values of certain classes.
        """
        return any_value(kind)

    @classmethod
    def can(cls, ability: str) -> bool:
        """Whether the backend has an ability, see :func:`needs`."""
        if ability in _EITHER:
            return any(map(cls.can, _EITHER[ability]))
        if ability in ("raw_put", "raw_get"):
            return getattr(cls, ability) is not getattr(Kit, ability)
        if ability in _FACTS:
            return bool(getattr(cls, ability))
        if ability in _MADE_OF and _MADE_OF[ability] <= {*cls.capabilities}:
            return True
        return ability in cls.capabilities or ability in cls.suffixes

    def __init_subclass__(cls) -> None:
        """Leave out the tests that the backend cannot serve, and those only."""
        super().__init_subclass__()
        for name, test in _tests_of_the_kit(cls).items():
            served = all(map(cls.can, getattr(test, _NEEDS, ())))
            if name not in vars(cls) and getattr(cls, name) in (test, None):
                setattr(cls, name, test if served else None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Repeat a test that takes ``kind`` for every kind of data of the backend."""
        if "kind" in metafunc.fixturenames:
            metafunc.parametrize("kind", list(self.suffixes))


def _tests_of_the_kit(cls: type[Kit]) -> dict[str, Any]:
    package = __name__.rpartition(".")[0] + "."
    return {
        name: test
        for base in reversed(cls.__mro__)
        if base.__module__.startswith(package)
        for name, test in vars(base).items()
        if name.startswith("test_") and test is not None
    }
