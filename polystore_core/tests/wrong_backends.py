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
    """A correct backend for subclasses to spoil; each names the test that is to find its mistake."""

    found_by: str

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
    found_by = "test_missing_parents_are_created"

    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if path.count("/") > 1:
            self._nodes.pop(store_path(path))
        return size


class SwapsLoadedBatch(Wrong):
    found_by = "test_values_are_loaded_in_the_order_of_the_paths"

    @hookimpl
    def polystore_read(self, request):
        return super().polystore_read(request)[::-1]


class SwapsSavedBatch(Wrong):
    found_by = "test_each_value_of_a_batch_goes_to_its_path"

    @hookimpl
    def polystore_write(self, request):
        return super().polystore_write(request._replace(data=list(request.data)[::-1]))


class KeepsLastOfBatch(Wrong):
    found_by = "test_each_value_of_a_batch_goes_to_its_path"

    @hookimpl
    def polystore_write(self, request):
        last = request._replace(paths=request.paths[-1:], data=list(request.data)[-1:])
        return super().polystore_write(last) * len(request.paths)


class StopsAtTheFirstFailure(Wrong):
    found_by = "test_what_can_be_saved_is_saved"

    @hookimpl
    def polystore_write(self, request):
        return [
            self.write(value, path, overwrite=request.overwrite, copy=True)
            for value, path in zip(request.data, request.paths, strict=True)
        ]


class SharesWhatIsSaved(Wrong):
    found_by = "test_changing_the_callers_value_later_changes_nothing"

    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        self._nodes[store_path(path)] = data
        return size


class SharesWhatIsLoaded(Wrong):
    found_by = "test_what_is_loaded_belongs_to_the_caller"

    def read(self, path, *, copy):
        super().read(path, copy=copy)
        return self._nodes[store_path(path)]


class LoadsReadOnly(Wrong):
    found_by = "test_a_loaded_array_is_a_plain_writable_one"

    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
        return value


class CastsSilently(Wrong):
    found_by = "test_an_array_comes_back_as_it_was"

    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray) and data.dtype == np.float64:
            data = data.astype(np.float32)
        return super().write(data, path, overwrite=overwrite, copy=copy)


class KeepsBigEndian(Wrong):
    found_by = "test_an_array_comes_back_as_it_was"

    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        if isinstance(value, np.ndarray) and value.dtype == np.int32:
            return value.astype(">i4")
        return value


class MakesScalarsOneDimensional(Wrong):
    found_by = "test_an_array_comes_back_as_it_was"

    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray):
            data = np.ascontiguousarray(data)
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ForgetsNegativeZero(Wrong):
    found_by = "test_an_array_comes_back_as_it_was"

    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, np.ndarray) and data.dtype.kind == "f":
            data = data + 0
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ReadsNone(Wrong):
    found_by = "test_what_was_saved_is_loaded"

    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return None if isinstance(value, dict) else value


class TranslatesNewlines(Wrong):
    found_by = "test_what_was_saved_is_loaded"

    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return value.replace("\r\n", "\n") if isinstance(value, str) else value


class SortsColumns(Wrong):
    found_by = "test_what_was_saved_is_loaded"

    def write(self, data, path, *, overwrite, copy):
        if isinstance(data, dict):
            data = dict(sorted(data.items()))
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ChangesTheCallersArray(Wrong):
    found_by = "test_the_callers_value_is_left_as_it_was"

    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if isinstance(data, np.ndarray) and data.flags.writeable and data.dtype == np.uint16:
            data[...] = 0
        return size


class LocksTheCallersArray(Wrong):
    found_by = "test_the_callers_array_stays_writable"

    def write(self, data, path, *, overwrite, copy):
        size = super().write(data, path, overwrite=overwrite, copy=copy)
        if isinstance(data, np.ndarray):
            data.flags.writeable = False
        return size


class IgnoresOverwriteFalse(Wrong):
    found_by = "test_overwrite_false_keeps_the_old_value"

    def write(self, data, path, *, overwrite, copy):
        return super().write(data, path, overwrite=True, copy=copy)


class NeverOverwrites(Wrong):
    found_by = "test_an_existing_file_is_replaced"

    def write(self, data, path, *, overwrite, copy):
        name = store_path(path)
        if overwrite and self._nodes.get(name) is not None:
            return 1
        return super().write(data, path, overwrite=overwrite, copy=copy)


class ReadsStaleValues(Wrong):
    found_by = "test_an_existing_file_is_replaced"

    def read(self, path, *, copy):
        value = super().read(path, copy=copy)
        return self.__dict__.setdefault("_cache", {}).setdefault(path, value)


class ShowsHalfWrittenValues(Wrong):
    found_by = "test_every_load_sees_one_whole_value"

    def write(self, data, path, *, overwrite, copy):
        name = store_path(path)
        if overwrite and isinstance(self._nodes.get(name), np.ndarray):
            self._nodes[name] = np.zeros((1, 1), np.uint16)
            os.sched_yield()
        return super().write(data, path, overwrite=overwrite, copy=copy)


class AcceptsAnyOption(Wrong):
    found_by = "test_an_unknown_option_is_refused_and_the_valid_ones_are_listed"

    def write(self, data, path, *, overwrite, copy, **options):
        return super().write(data, path, overwrite=overwrite, copy=copy)


class LoadsEmptyForMissing(Wrong):
    found_by = "test_a_missing_path_is_not_found"

    def read(self, path, *, copy):
        try:
            return super().read(path, copy=copy)
        except PathNotFound:
            return np.empty(0)


class RaisesForeignErrors(Wrong):
    found_by = "test_a_missing_path_is_not_found"

    def read(self, path, *, copy):
        if store_path(path) not in self._nodes:
            raise KeyError(path)
        return super().read(path, copy=copy)


class ExistsAlways(Wrong):
    found_by = "test_what_is_not_there_does_not_exist"

    def stat(self, path):
        try:
            return super().stat(path)
        except PathNotFound:
            return Entry(path, is_directory=False, size=0)


class ListsWholePaths(Wrong):
    found_by = "test_paths_start_with_the_directory_as_it_was_given"

    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing([f"{directory}/{name}" for name in files], directories)


class ListsAllButOne(Wrong):
    found_by = "test_numbers_are_in_natural_order"

    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing(files[:2], directories)


class ListsNothingForMissing(Wrong):
    found_by = "test_a_missing_directory_is_not_found"

    def list_directory(self, directory, *, recursive):
        try:
            return super().list_directory(directory, recursive=recursive)
        except PathNotFound:
            return Listing([], [])


class ListsDeletedFiles(Wrong):
    found_by = "test_a_deleted_file_is_gone"

    def delete(self, path, *, recursive):
        directory, _, name = path.rpartition("/")
        self.__dict__.setdefault("_ghosts", []).append((directory or ".", name))
        return super().delete(path, recursive=recursive)

    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        ghosts = [name for parent, name in self.__dict__.get("_ghosts", ()) if parent == directory]
        return Listing([*files, *(name for name in ghosts if "." in name)], directories)


class DeletesWhatIsNotEmpty(Wrong):
    found_by = "test_a_directory_with_content_is_kept"

    def delete(self, path, *, recursive):
        return super().delete(path, recursive=True)


class DeletesSimilarNames(Wrong):
    found_by = "test_recursive_deletes_everything_below_and_nothing_beside"

    def _below(self, name):
        return [path for path in self._nodes if path.startswith(name) and path not in ("", name)]


class DeletesEmptiedDirectories(Wrong):
    found_by = "test_a_directory_outlives_its_last_file"

    def delete(self, path, *, recursive):
        count = super().delete(path, recursive=recursive)
        parent = store_path(path).rpartition("/")[0]
        if parent and not self._below(parent):
            self._nodes.pop(parent)
        return count


class CopyMoves(Wrong):
    found_by = "test_a_copy_has_the_value"

    @hookimpl
    def polystore_copy(self, source, target, overwrite):
        count = self._transfer(source, target, overwrite)
        self.delete(source, recursive=True)
        return count


class CopyShares(Wrong):
    """A later overwrite of the source shows in the copy."""

    found_by = "test_a_copy_is_independent"

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
    found_by = "test_a_directory_is_copied_whole"

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
    found_by = "test_a_moved_file_is_there_and_no_longer_here"

    @hookimpl
    def polystore_move(self, source, target, overwrite):
        return self._transfer(source, target, overwrite)


class MoveLosesTheSourceFirst(Wrong):
    found_by = "test_a_move_replaces_only_if_told_to"

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
    found_by = "test_what_was_saved_is_found_after_reopening"

    def write(self, data, path, *, overwrite, copy):
        self.__dict__["_last"] = store_path(path)
        return super().write(data, path, overwrite=overwrite, copy=copy)

    @hookimpl
    def polystore_close(self):
        self._nodes.pop(self.__dict__.get("_last"), None)


class LeavesItsRoot(Wrong):
    found_by = "test_nothing_leads_out_of_the_root"

    def read(self, path, *, copy):
        return super().read(path.replace("../", ""), copy=copy)


class RespellsNames(Wrong):
    found_by = "test_what_is_listed_can_be_loaded"

    def list_directory(self, directory, *, recursive):
        files, directories = super().list_directory(directory, recursive=recursive)
        return Listing([unicodedata.normalize("NFD", name) for name in files], directories)


class ForgetsTheLastProgress(Wrong):
    found_by = "test_progress_counts_every_path_from_the_calling_thread"

    @hookimpl
    def polystore_write(self, request):
        report = request.batch.progress

        def some(done, total):
            if report is not None and done < total:
                report(done, total)

        return super().polystore_write(request._replace(batch=request.batch._replace(progress=some)))


class IgnoresCancellation(Wrong):
    found_by = "test_a_batch_cancelled_beforehand_does_nothing"

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


MODEL = "test_agrees_with_a_plain_dictionary"


def judged(plugin: type[Wrong]) -> type[Judged]:
    """The test that is to find the mistake, and the model that may; the others are left out."""
    left_out = {name for name in dir(Judged) if name.startswith("test_")} - {plugin.found_by, MODEL}
    members = {
        "plugin": plugin,
        "capabilities": [name for name in OPERATIONS if hasattr(plugin, f"polystore_{name}")],
        "settings": settings(Judged.settings, max_examples=300),
    }
    return type(f"Test{plugin.__name__}", (Judged,), members | dict.fromkeys(left_out))


class TestReferenceBackend(Judged):
    """The correct one."""


globals().update({f"Test{name}": judged(plugin) for name, plugin in WRONG.items()})
