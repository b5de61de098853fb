"""Backends with one mistake each, and the conformance tests that are to find it; see judge_backends.py."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict

import numpy as np
from hypothesis import Phase, settings

from polystore_core import BackendRegistry, Entry, PathNotFound, hookimpl
from polystore_core.paths import store_path
from polystore_core.plugins import OPERATIONS, Listing
from polystore_core.testing import BackendConformance, ReferenceBackend


class Wrong(ReferenceBackend):
    """A correct backend for subclasses to spoil."""

    def _transfer(self, source, target, overwrite):
        entries = self.list_directory(source, recursive=True) if self.stat(source).is_directory else None
        if entries is None:
            self.write(self.read(source, copy=True), target, overwrite=overwrite, copy=True)
            return 1
        self.write(b"", target, overwrite=False, copy=True)
        self.delete(target, recursive=False)
        self.make_directory(target)
        for name in entries.directories:
            self.make_directory(f"{target}/{name}")
        for name in entries.files:
            self.write(
                self.read(f"{source}/{name}", copy=True), f"{target}/{name}", overwrite=False, copy=True
            )
        return len(entries.files)


class LosesNestedWrites(Wrong):
    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if path.count("/") > 1:
            self._nodes.pop(store_path(path))
        return size


class SwapsLoadedBatch(Wrong):
    @hookimpl
    def polystore_read(self, request):
        return super().polystore_read(request)[::-1]


class SwapsSavedBatch(Wrong):
    @hookimpl
    def polystore_write(self, request):
        return super().polystore_write(request._replace(data=list(request.data)[::-1]))


class KeepsLastOfBatch(Wrong):
    @hookimpl
    def polystore_write(self, request):
        last = request._replace(paths=request.paths[-1:], data=list(request.data)[-1:])
        return super().polystore_write(last) * len(request.paths)


class StopsAtTheFirstFailure(Wrong):
    @hookimpl
    def polystore_write(self, request):
        return [
            self.write(value, path, overwrite=request.overwrite, copy=True)
            for value, path in zip(request.data, request.paths, strict=True)
        ]


class SharesWhatIsSaved(Wrong):
    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        self._nodes[store_path(path)] = data
        return size


class SharesWhatIsLoaded(Wrong):
    def read(self, path, *, copy):
        super().read(path, copy=copy)
        return self._nodes[store_path(path)]


class LoadsReadOnly(Wrong):
    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        return value


class CastsSilently(Wrong):
    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray) and data.dtype == np.float64:
            data = data.astype(np.float32)
        return super().write(data, path, overwrite=overwrite, copy=copy)


class KeepsBigEndian(Wrong):
    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        if isinstance(value, np.ndarray) and value.dtype == np.int32:
            return value.astype(">i4")
        return value


class MakesScalarsOneDimensional(Wrong):
    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray):
            data = np.ascontiguousarray(data)
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ForgetsNegativeZero(Wrong):
    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray) and data.dtype.kind == "f":
            data = data + 0
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ReadsNone(Wrong):
    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return None if isinstance(value, dict) else value


class TranslatesNewlines(Wrong):
    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class SortsColumns(Wrong):
    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, dict):
            data = dict(sorted(data.items()))
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ChangesTheCallersArray(Wrong):
    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if isinstance(data, np.ndarray) and data.flags.writeable and data.dtype == np.uint16:
            data[...] = 0
        return size


class LocksTheCallersArray(Wrong):
    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if isinstance(data, np.ndarray):
            data.flags.writeable = False
        return size


class IgnoresOverwriteFalse(Wrong):
    def write(self, data, path, *, overwrite, copy):
        return super().write(data, path, overwrite=True, copy=copy)


class NeverOverwrites(Wrong):
    def write(self, data, path, *, overwrite, copy):
        name = store_path(path)
        if overwrite and self._nodes.get(name) is not None:
            return 1
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ReadsStaleValues(Wrong):
    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return self.__dict__.setdefault("_cache", {}).setdefault(path, value)


class ShowsHalfWrittenValues(Wrong):
    def write(self, data, path, *, overwrite, copy):
        name = store_path(path)
        if overwrite and isinstance(self._nodes.get(name), np.ndarray):
            self._nodes[name] = np.zeros((1, 1), np.uint16)
            os.sched_yield()
        return super().write(data, path, overwrite=overwrite, copy=copy)


class AcceptsAnyOption(Wrong):
    def write(self, data, path, *, overwrite, copy, **options):
        return super().write(data, path, overwrite=overwrite, copy=copy)


class LoadsEmptyForMissing(Wrong):
    def read(self, path, *, copy):
        try:
            return super().read(path, copy=copy)
        except PathNotFound:
            return np.empty(0)


class RaisesForeignErrors(Wrong):
    def read(self, path, *, copy):
        if store_path(path) not in self._nodes:
            raise KeyError(path)
        return super().read(path, copy=copy)


class ExistsAlways(Wrong):
    def stat(self, path):
        try:
            return super().stat(path)
        except PathNotFound:
            return Entry(path, is_directory=False, size=0)


class ListsWholePaths(Wrong):
    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing([f"{directory}/{name}" for name in files], directories)


class ListsAllButOne(Wrong):
    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing(files[:2], directories)


class ListsNothingForMissing(Wrong):
    def list_directory(self, directory, *, recursive):
        try:
            return super().list_directory(directory, recursive=recursive)
        except PathNotFound:
            return Listing([], [])


class ListsDeletedFiles(Wrong):
    def delete(self, path, *, recursive):
        directory, _, name = path.rpartition("/")
        self.__dict__.setdefault("_ghosts", []).append((directory or ".", name))
        return super().delete(path, recursive=recursive)

    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        ghosts = [name for parent, name in self.__dict__.get("_ghosts", ()) if parent == directory]
        return Listing([*files, *(name for name in ghosts if "." in name)], directories)


class DeletesWhatIsNotEmpty(Wrong):
    def delete(self, path, *, recursive):
        return super().delete(path, recursive=True)


class DeletesSimilarNames(Wrong):
    def _below(self, name):
        return [path for path in self._nodes if path.startswith(name) and path not in ("", name)]


class DeletesEmptiedDirectories(Wrong):
    def delete(self, path, *, recursive):
        count = super().delete(path, recursive=recursive)
        parent = store_path(path).rpartition("/")[0]
        if parent and not self._below(parent):
            self._nodes.pop(parent)
        return count


class CopyMoves(Wrong):
    @hookimpl
    def polystore_copy(self, source, target, overwrite):
        count = self._transfer(source, target, overwrite)
        self.delete(source, recursive=True)
        return count


class CopyShares(Wrong):
    """A later overwrite of the source shows in the copy."""

    def __init__(self, *, shelf=""):
        super().__init__(shelf=shelf)
        self._twins = defaultdict(list)

    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        for twin in self._twins[path]:
            super().write(data, twin, overwrite=True, copy=copy)
        return size

    @hookimpl
    def polystore_copy(self, source, target, overwrite):
        count = self._transfer(source, target, overwrite)
        if not self.stat(source).is_directory:
            self._twins[source].append(target)
        return count


class CopyForgetsSubdirectories(Wrong):
    @hookimpl
    def polystore_copy(self, source, target, overwrite):
        if self.stat(source).is_directory:
            nested = self.list_directory(source, recursive=False).directories
            count = self._transfer(source, target, overwrite)
            for name in nested:
                self.delete(f"{target}/{name}", recursive=True)
            return count
        return self._transfer(source, target, overwrite)


class MoveKeepsTheSource(Wrong):
    @hookimpl
    def polystore_move(self, source, target, overwrite):
        return self._transfer(source, target, overwrite)


class MoveLosesTheSourceFirst(Wrong):
    @hookimpl
    def polystore_move(self, source, target, overwrite):
        if self.stat(source).is_directory:
            count = self._transfer(source, target, overwrite)
            self.delete(source, recursive=True)
            return count
        value = self.read(source, copy=True)
        self.delete(source, recursive=True)
        self.write(value, target, overwrite=overwrite, copy=True)
        return 1


class ReopeningLosesTheLastWrite(Wrong):
    def write(self, data, path, *, overwrite, copy):
        self.__dict__["_last"] = store_path(path)
        return super().write(data, path, overwrite=overwrite, copy=copy)

    @hookimpl
    def polystore_close(self):
        self._nodes.pop(self.__dict__.get("_last"), None)


class LeavesItsRoot(Wrong):
    def read(self, path, *, copy):
        return super().read(path.replace("../", ""), copy=copy)


class RespellsNames(Wrong):
    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing([unicodedata.normalize("NFD", name) for name in files], directories)


class ForgetsTheLastProgress(Wrong):
    @hookimpl
    def polystore_write(self, request):
        report = request.batch.progress

        def some(done, total):
            if report is not None and done < total:
                report(done, total)

        return super().polystore_write(request._replace(batch=request.batch._replace(progress=some)))


class IgnoresCancellation(Wrong):
    @hookimpl
    def polystore_write(self, request):
        return super().polystore_write(request._replace(batch=request.batch._replace(cancel=None)))


WRONG = {cls.__name__: cls for cls in Wrong.__subclasses__()}

INVISIBLE_TO_THE_MODEL = {
    "AcceptsAnyOption",
    "CastsSilently",
    "ChangesTheCallersArray",
    "ForgetsNegativeZero",
    "ForgetsTheLastProgress",
    "IgnoresCancellation",
    "KeepsBigEndian",
    "LeavesItsRoot",
    "LoadsReadOnly",
    "LocksTheCallersArray",
    "MakesScalarsOneDimensional",
    "RespellsNames",
    "SharesWhatIsLoaded",
    "SharesWhatIsSaved",
    "ShowsHalfWrittenValues",
    "StopsAtTheFirstFailure",
}
"""Mistakes about single values, options and threads: other tests of the kit see them."""


class Judged(BackendConformance):
    backend = "judged"
    persistent = True
    installed = False
    settings = settings(
        BackendConformance.settings,
        derandomize=True,
        database=None,
        max_examples=100,
        phases=[Phase.explicit, Phase.generate],
    )
    plugin: type[ReferenceBackend] = ReferenceBackend
    capabilities = ("read", "write", "list", "stat", "delete", "make_directory")

    def registry(self, folder):
        registry = BackendRegistry({self.backend: {"shelf": str(folder)}})
        registry.register(self.backend, self.plugin)
        return registry


SLOW = (
    "test_any_value_comes_back_as_it_was",
    "test_a_spawned_worker_works_on",
    "test_a_worker_forked_amid_saves_is_not_blocked",
)
"""Tests that the correct backend alone is put to."""


def judged(plugin: type[ReferenceBackend]) -> type[Judged]:
    capabilities = [operation for operation in OPERATIONS if hasattr(plugin, f"polystore_{operation}")]
    patience = settings(Judged.settings, max_examples=300)
    members = {"plugin": plugin, "capabilities": capabilities, "settings": patience} | dict.fromkeys(SLOW)
    return type(f"Test{plugin.__name__}", (Judged,), members)


class TestReferenceBackend(Judged):
    """The correct one."""


globals().update({f"Test{name}": judged(plugin) for name, plugin in WRONG.items()})
