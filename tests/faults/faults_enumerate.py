"""Run in a process with the preloaded object: fail every system call of some operations, one after another.

``python faults_enumerate.py GROUP FOLDER ROOTED SAMPLED`` prints one line of JSON, a :class:`Report`.
"""

from __future__ import annotations

import errno
import gc
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from faults_injector import Injector
from faults_operations import GROUPS, Operation, read_state, write_value

from polystore import BackendRegistry, FileManager
from polystore_core.errors import AccessDenied, BatchError, PolyStoreError, StorageError, StorageFull
from polystore_core.files import is_temporary_name

__all__ = ["Report"]

_ERRORS: dict[int, type[PolyStoreError]] = {
    errno.EIO: StorageError,
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EACCES: AccessDenied,
    errno.EMFILE: StorageError,
}
_MOST_CALLS = 2_000


class Report(NamedTuple):
    """What came of it.

    Attributes
    ----------
    faults
        How many calls were failed.
    raised
        How many of these the operation reported; it mended the others.
    uncleared
        Temporaries that stayed because the call that failed was the one that removes them.
    violations
        What must never be, in words.
    """

    faults: int
    raised: int
    uncleared: int
    violations: list[str]


class Fault(NamedTuple):
    """One way to fail."""

    error: int
    shorten: bool = False
    sticky: bool = False

    @property
    def name(self) -> str:
        """For the report."""
        return "short" if self.shorten else errno.errorcode[self.error] + (" for ever" if self.sticky else "")


_FAULTS = (
    *map(Fault, _ERRORS),
    Fault(errno.ENOSPC, sticky=True),
    Fault(errno.EIO, sticky=True),
)


class Enumeration:
    """All faults of one operation."""

    def __init__(self, operation: Operation, injector: Injector, *, root: str | None) -> None:
        self._operation = operation
        self._injector = injector
        self._fm = FileManager(BackendRegistry({"disk": {"root": root}} if root else {}))
        self._images: dict[str, bytes] = {}
        self.faults = self.raised = self.uncleared = 0
        self.violations: list[str] = []

    def run(self, chance: random.Random | None) -> None:
        """Fail call 1, 2, ... until a run sees no failure; with ``chance`` each in one way only."""
        self._keep_image()
        self._call_unharmed()
        self._call_unharmed()
        for fault in [None] if chance else _FAULTS:
            for call in range(1, _MOST_CALLS):
                if not self._fail(call, fault or chance.choice(_FAULTS)):
                    break
        for call in range(1, _MOST_CALLS):
            if not self._fail(call, Fault(0, shorten=True)):
                break

    def _keep_image(self) -> None:
        for path, number in self._operation.before.items():
            if number is not None:
                write_value(self._fm, path, number)
        self._operation.prepare()
        for folder, _, names in os.walk("."):
            for name in names:
                file = Path(folder, name)
                self._images[str(file)] = file.read_bytes()

    def _restore(self) -> None:
        for name in os.listdir("."):
            if not is_temporary_name(name):
                shutil.rmtree(name) if Path(name).is_dir() else Path(name).unlink()
        for name, content in self._images.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)

    def _call_unharmed(self) -> None:
        self._restore()
        self._operation.call(self._fm)
        found = read_state(self._fm, self._operation.before)
        assert found == self._operation.after, (self._operation.name, found)

    def _fail(self, call: int, fault: Fault) -> bool:
        self._restore()
        litter, descriptors = set(_temporaries()), _descriptors()
        error: Exception | None = None
        self._injector.arm(call, fault.error, shorten=fault.shorten, sticky=fault.sticky)
        try:
            self._operation.call(self._fm)
        except Exception as caught:
            error = caught
        kind = self._injector.disarm()
        if kind is None:
            return False
        self.faults += 1
        self.raised += error is not None
        for complaint in self._complaints(fault, kind, error):
            self._complain(f"{complaint}: {error!r}", call, fault, kind)
        left = set(_temporaries()) - litter
        self.uncleared += len(left)
        if left and kind != "unlink":
            self._complain(f"litter {sorted(left)}", call, fault, kind)
        del error
        gc.collect()
        if _descriptors() > descriptors:
            self._complain("a descriptor is left open", call, fault, kind)
        return True

    def _complain(self, complaint: str, call: int, fault: Fault, kind: str) -> None:
        name = self._operation.name
        self.violations.append(f"{name}: call {call} ({kind}) fails with {fault.name}: {complaint}")

    def _complaints(self, fault: Fault, kind: str, error: Exception | None) -> Iterator[str]:
        operation = self._operation
        try:
            found = read_state(self._fm, operation.before)
        except Exception as damage:
            if operation.is_sound({}, {}, {}) and operation.name == "repair" and error is not None:
                found = dict(operation.before)
            else:
                yield f"a value is damaged, {damage!r}"
                return
        if error is None:
            if found != operation.after:
                yield f"said OK, but there is {found}"
            return
        if kind != "fstat":
            yield from _complaints_about(error, fault)
        if not operation.is_sound(found, operation.before, operation.after):
            yield f"a value is lost, there is {found}"
        done = error.done if isinstance(error, BatchError) else ()
        if any(found[path] != operation.after[path] for path in done):
            yield f"said that {done} are done, but there is {found}"
        if operation.is_repeatable:
            operation.call(self._fm)
            found = read_state(self._fm, operation.before)
            if found != operation.after:
                yield f"the same call afterwards led to {found}"


def _complaints_about(error: Exception, fault: Fault) -> Iterator[str]:
    members = list(error.failed.values()) if isinstance(error, BatchError) else [error]
    for member in members:
        if not isinstance(member, PolyStoreError):
            yield "not an error of ours"
        elif fault.shorten:
            yield "a short read or write is no error"
        elif getattr(member, "errno", None) != fault.error:
            yield "the error number is not kept"
        elif not isinstance(member, _ERRORS[fault.error]):
            yield f"not a {_ERRORS[fault.error].__name__}"


def _temporaries() -> Iterator[str]:
    for folder, _, names in os.walk("."):
        yield from (os.path.join(folder, name) for name in names if is_temporary_name(name))


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def main(group: str, folder: str, rooted: str, sampled: str) -> None:
    """Enumerate a group of operations."""
    os.chdir(folder)
    chance = random.Random(f"{group} {rooted}") if sampled == "sampled" else None
    injector = Injector()
    runs = []
    for index, operation in enumerate(GROUPS[group]()):
        Path(str(index)).mkdir()
        os.chdir(str(index))
        root = str(Path.cwd()) if rooted == "rooted" else None
        runs.append(Enumeration(operation, injector, root=root))
        runs[-1].run(chance)
        os.chdir("..")
    report = Report(
        sum(run.faults for run in runs),
        sum(run.raised for run in runs),
        sum(run.uncleared for run in runs),
        [violation for run in runs for violation in run.violations],
    )
    print(json.dumps(report._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
