"""A state machine that does the same to a backend and to a plain dictionary, and compares."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from polystore_core.data import kind_of
from polystore_core.errors import BatchError, PolyStoreError
from polystore_core.plugins import Entry
from polystore_core.testing._kit import Kit, needs
from polystore_core.testing._model import Model
from polystore_core.testing._samples import assert_same

if TYPE_CHECKING:
    from polystore_core.data import DataKind

__all__ = ["ModelTests", "StoreMachine"]

_STEMS = ["a", "t2", "t10"]

_FOLDERS = [("d",), ("d", "e"), ("d2",), ("a.",), ("d", "a.")]
"""Few, so that steps meet. The directory ``a.`` stands for one that has the name of a file."""


class Place(NamedTuple):
    """A path to try: its directories, a stem, and the kind of data that it is for."""

    folders: tuple[str, ...]
    stem: str
    kind: int


folders = st.sampled_from(_FOLDERS)
places = st.builds(
    Place,
    st.sampled_from([(), ("d",), ("d", "e"), ("a.",)]),
    st.sampled_from(_STEMS),
    st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
)
numbers = st.integers(0, 20)
flags = st.booleans()
anything = numbers | places | folders

Where = int | Place | tuple[str, ...]
"""A number picks one of the files and directories that there are."""


def _can(*abilities: str) -> Callable[[Any], bool]:
    return lambda machine: all(map(machine.kit.can, abilities))


def _step(*abilities: str, **strategies: st.SearchStrategy[Any]) -> Callable[[Any], Any]:
    """Make a method a step for backends with these abilities."""
    return lambda method: precondition(_can(*abilities))(rule(**strategies)(method))


class StoreMachine(RuleBasedStateMachine):
    """Steps over one store.

    Parameters
    ----------
    kit
        The backend author's test class.
    folder
        Where stores may lie; each example has one of its own.
    """

    def __init__(self, kit: Kit, folder: Path) -> None:
        super().__init__()
        self.kit = kit
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.model = Model()
        self._open()

    def _open(self) -> None:
        self._context = self.kit.opened(self.folder)
        self.store = self._context.__enter__()

    def teardown(self) -> None:
        """Close the store and remove it."""
        self._context.__exit__(None, None, None)
        shutil.rmtree(self.folder)

    @_step("write", place=places, number=numbers, overwrite=flags)
    def save(self, place: Place, number: int, overwrite: bool) -> None:
        """Save, also where a directory is or below a file."""
        value = self.kit.value(number, self._kind(place))
        self._both("save", value, self._path(place), overwrite=overwrite)

    @_step("write", which=numbers, number=numbers)
    def replace(self, which: int, number: int) -> None:
        """Save over a file."""
        files = sorted(self.model.files)
        if files:
            path = files[which % len(files)]
            self._both("save", self.kit.value(number, kind_of(self.model.files[path])), path)

    @_step("write", within=places, stems=st.sets(st.sampled_from(_STEMS)), number=numbers, overwrite=flags)
    def save_batch(self, within: Place, stems: set[str], number: int, overwrite: bool) -> None:
        """Save several files of one directory."""
        members = [within._replace(stem=stem) for stem in sorted(stems, reverse=True)]
        paths = [self._path(place) for place in members]
        values = [self.kit.value(number + i, self._kind(place)) for i, place in enumerate(members)]
        expected = [
            _outcome(self.model.save, value, path, overwrite=overwrite)
            for path, value in zip(paths, values, strict=True)
        ]
        self._check_batch(paths, expected, self.store.save_batch, values, paths, overwrite=overwrite)

    @_step("read", where=anything)
    def load(self, where: Where) -> None:
        """Load what may be a file."""
        self._both("load", self._path(where))

    @_step("read", wanted=st.lists(places, max_size=4))
    def load_batch(self, wanted: list[Place]) -> None:
        """Load several files, some of them twice."""
        paths = [self._path(place) for place in wanted]
        expected = [_outcome(self.model.load, path) for path in paths]
        self._check_batch(paths, expected, self.store.load_batch, paths)

    @_step("delete", where=anything, recursive=flags)
    def delete(self, where: Where, recursive: bool) -> None:
        """Delete what may be a file or a directory."""
        self._both("delete", self._path(where), recursive=recursive)

    @_step("copy", "list", "stat", source=anything, file=places, folder=folders, overwrite=flags)
    def copy(self, source: Where, file: Place, folder: tuple[str, ...], overwrite: bool) -> None:
        """Copy what may be a file or a directory."""
        self._transfer("copy", source, file, folder, overwrite=overwrite)

    @_step("move", "list", "stat", source=anything, file=places, folder=folders, overwrite=flags)
    def move(self, source: Where, file: Place, folder: tuple[str, ...], overwrite: bool) -> None:
        """Move what may be a file or a directory."""
        self._transfer("move", source, file, folder, overwrite=overwrite)

    @_step("make_directory", where=folders)
    def ensure_directory(self, where: Where) -> None:
        """Make a directory, also where a file is or below one."""
        self._both("ensure_directory", self._path(where))

    @_step("list", where=anything, recursive=flags)
    def list_directory(self, where: Where, recursive: bool) -> None:
        """List what may be a directory."""
        self._both("list_files", self._path(where), recursive=recursive)
        self._both("list_dir", self._path(where))

    @_step("list")
    def list_everything(self) -> None:
        """List every directory there is."""
        for directory in (".", *sorted(self.model.directories)):
            self._both("list_dir", directory)

    @_step("stat", where=anything)
    def stat(self, where: Where) -> None:
        """Describe what may be there."""
        for method in ("stat", "exists", "is_file", "is_dir"):
            self._both(method, self._path(where))

    @_step("persistent")
    def reopen(self) -> None:
        """Close the store and open it anew."""
        self._context.__exit__(None, None, None)
        self._open()

    @invariant()
    def nothing_is_lost_and_nothing_left_over(self) -> None:
        """After each step the files and their values are those of the model."""
        if self.kit.can("list"):
            self._both("list_files", ".", recursive=True)
        if self.kit.can("read"):
            files = list(self.model.files)
            for found, path in zip(self.store.load_batch(files), files, strict=True):
                assert_same(found, self.model.files[path])

    def _transfer(
        self, method: str, source: Where, file: Place, folder: tuple[str, ...], *, overwrite: bool
    ) -> None:
        """Copy or move; a file keeps its suffix, which says its format."""
        path = self._path(source)
        value = self.model.files.get(path)
        if value is not None:
            kind = list(self.kit.suffixes).index(kind_of(value))
            self._both(method, path, self._path(file._replace(kind=kind)), overwrite=overwrite)
        else:
            self._both(method, path, self._path(folder), overwrite=overwrite)

    def _both(self, method: str, /, *args: Any, **options: Any) -> None:
        """Call the same method of model and store; result or type of error must be the same."""
        expected = _outcome(getattr(self.model, method), *args, **options)
        found = _outcome(getattr(self.store, method), *args, **options)
        _compare(f"{method}{args}", found, expected)

    def _check_batch(
        self, paths: list[str], expected: list[Any], call: Callable[..., Any], *args: Any, **options: Any
    ) -> None:
        failed = {path: result for path, result in zip(paths, expected, strict=True) if _is_error(result)}
        try:
            results = call(*args, **options)
        except BatchError as error:
            done = [path for path, result in zip(paths, expected, strict=True) if not _is_error(result)]
            assert {path: type(member) for path, member in error.failed.items()} == failed
            assert (error.done, error.not_started) == (tuple(done), ())
        else:
            assert failed == {}, f"expected errors: {failed}"
            for path, found, wanted in zip(paths, results or expected, expected, strict=True):
                _compare(path, found, wanted)

    def _kind(self, place: Place) -> DataKind:
        kinds = list(self.kit.suffixes)
        return kinds[place.kind % len(kinds)]

    def _path(self, where: Where) -> str:
        if isinstance(where, int):
            there = sorted([*self.model.files, *self.model.directories])
            return there[where % len(there)] if there else "missing"
        parts = [*where.folders, where.stem] if isinstance(where, Place) else list(where)
        if isinstance(where, Place):
            parts[-1] = self.kit.name(where.stem, self._kind(where))
        return "/".join(self.kit.name("a") if part == "a." else part for part in parts)


def _outcome(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Return the result of a call, or the type of the error."""
    try:
        result = call(*args, **options)
    except PolyStoreError as error:
        return type(error)
    return (result.path, result.is_directory) if isinstance(result, Entry) else result


def _is_error(outcome: Any) -> bool:
    return isinstance(outcome, type)


def _compare(what: str, found: Any, expected: Any) -> None:
    if expected is None or _is_error(expected) or isinstance(expected, (bool, tuple, list)):
        assert found == expected, f"{what}: expected {_said(expected)}, got {_said(found)}"
    else:
        assert not _is_error(found), f"{what}: expected a value, got {_said(found)}"
        assert_same(found, expected)


def _said(outcome: Any) -> str:
    return outcome.__name__ if _is_error(outcome) else repr(outcome)


class ModelTests(Kit):
    """The backend does what a plain dictionary does, whatever the order of steps."""

    @needs("write")
    def test_agrees_with_a_plain_dictionary(self, tmp_path: Path) -> None:
        run_state_machine_as_test(lambda: StoreMachine(self, tmp_path), settings=self.settings)
