"""Errors: catchable as builtins, located, picklable, with pinned kinds and messages."""

import errno
import pickle

import pytest

from polystore_core import errors
from polystore_core.errors import (
    BatchError,
    Cancelled,
    CorruptData,
    PathNotFound,
    PolyStoreError,
    StorageFull,
)

BUILTINS = {
    "AccessDenied": (PermissionError, "access_denied", errno.EACCES),
    "BackendUnavailable": (ImportError, "backend_unavailable", None),
    "BatchError": (ExceptionGroup, "batch_error", None),
    "Cancelled": (Exception, "cancelled", None),
    "CorruptData": (ValueError, "corrupt_data", None),
    "DirectoryNotEmpty": (OSError, "directory_not_empty", errno.ENOTEMPTY),
    "InvalidOption": (TypeError, "invalid_option", None),
    "InvalidPath": (ValueError, "invalid_path", None),
    "IsADirectory": (IsADirectoryError, "is_a_directory", errno.EISDIR),
    "LockTimeout": (TimeoutError, "lock_timeout", errno.ETIMEDOUT),
    "NotADirectory": (NotADirectoryError, "not_a_directory", errno.ENOTDIR),
    "PathExists": (FileExistsError, "path_exists", errno.EEXIST),
    "PathNotFound": (FileNotFoundError, "path_not_found", errno.ENOENT),
    "PluginError": (Exception, "plugin_error", None),
    "PolyStoreError": (Exception, "error", None),
    "StorageError": (OSError, "storage_error", errno.EIO),
    "StorageFull": (OSError, "storage_full", errno.ENOSPC),
    "UnknownBackend": (LookupError, "unknown_backend", None),
    "UnsupportedData": (TypeError, "unsupported_data", None),
    "UnsupportedOperation": (NotImplementedError, "unsupported_operation", None),
    "ViewerUnreachable": (ConnectionError, "viewer_unreachable", errno.ECONNREFUSED),
}

SINGLE = sorted(set(BUILTINS) - {"BatchError"})


def test_the_table_is_complete():
    assert sorted(BUILTINS) == sorted(errors.__all__)


@pytest.mark.parametrize("name", sorted(BUILTINS))
def test_each_is_also_the_builtin_a_user_would_catch(name):
    builtin, kind, _ = BUILTINS[name]
    cls = getattr(errors, name)
    assert issubclass(cls, PolyStoreError)
    assert issubclass(cls, builtin)
    assert cls.kind == kind


@pytest.mark.parametrize("name", SINGLE)
def test_each_carries_its_circumstances_and_prints_only_its_message(name):
    error = getattr(errors, name)("what happened", backend="disk", operation="read", path="a.npy")
    assert str(error) == "what happened"
    assert (error.backend, error.operation, error.path) == ("disk", "read", "a.npy")
    assert getattr(error, "errno", None) == BUILTINS[name][2]


@pytest.mark.parametrize("name", SINGLE)
def test_each_survives_the_way_back_from_a_worker(name):
    error = getattr(errors, name)("what happened", backend="disk", operation="read", path="a.npy")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == "what happened"
    assert (back.backend, back.operation, back.path) == ("disk", "read", "a.npy")
    assert getattr(back, "errno", None) == getattr(error, "errno", None)


def test_a_given_errno_is_kept():
    assert StorageFull("quota", errno=errno.EDQUOT).errno == errno.EDQUOT


def test_circumstances_are_filled_in_but_never_overwritten():
    error = CorruptData("bad", path="inner.tif")
    error.locate(backend="disk", operation="read", path="outer.tif")
    assert (error.backend, error.operation, error.path) == ("disk", "read", "inner.tif")


@pytest.fixture
def batch_error() -> BatchError:
    return BatchError.from_outcome(
        done=["a", "b"],
        failed={"c": PathNotFound("no c", path="c"), "d": CorruptData("bad d", path="d")},
        not_started=["e"],
    )


def test_a_batch_error_tells_path_by_path(batch_error):
    assert str(batch_error) == (
        "2 of 5 paths failed: 'c': no c, and 1 more (see .failed); 1 not started (2 sub-exceptions)"
    )
    assert batch_error.done == ("a", "b")
    assert list(batch_error.failed) == ["c", "d"]
    assert batch_error.not_started == ("e",)


def test_a_batch_error_splits_by_what_went_wrong(batch_error):
    caught = []
    try:
        raise batch_error
    except* FileNotFoundError as group:
        caught.append(list(group.failed))
    except* ValueError as group:
        caught.append(list(group.failed))
    assert caught == [["c"], ["d"]]


def test_a_batch_error_survives_the_way_back_from_a_worker(batch_error):
    back = pickle.loads(pickle.dumps(batch_error))
    assert str(back) == str(batch_error)
    assert (back.done, back.not_started) == (batch_error.done, batch_error.not_started)
    assert {path: str(error) for path, error in back.failed.items()} == {"c": "no c", "d": "bad d"}


def test_a_cancelled_batch_says_how_far_it_came():
    error = BatchError.from_outcome(done=["a"], failed={}, not_started=["b", "c"])
    assert str(error) == "cancelled: 1 of 3 paths done (1 sub-exception)"
    assert isinstance(error.exceptions[0], Cancelled)
