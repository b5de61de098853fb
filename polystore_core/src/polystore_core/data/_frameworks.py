"""Array frameworks: which there are, recognising their arrays, handing arrays over to them."""

from __future__ import annotations

import importlib
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

from polystore_core._suggest import did_you_mean
from polystore_core.data._names import type_name
from polystore_core.errors import BackendUnavailable, InvalidOption, UnsupportedData

if TYPE_CHECKING:
    from types import ModuleType

    import numpy as np

__all__ = ["Adapter", "framework_of", "to_framework"]


class Adapter(Protocol):
    """What one framework's module in this package offers; ``framework`` is the imported framework."""

    def is_array(self, data: object, framework: Any) -> bool:
        """Tell whether the value is one of the framework's arrays."""

    def to_numpy(self, data: Any, framework: Any) -> np.ndarray[Any, Any]:
        """Return the array as numpy, sharing memory where possible."""

    def from_numpy(self, array: np.ndarray[Any, Any], framework: Any, device: str | None) -> Any:
        """Return the framework's array; it shares no memory with a read-only ``array``."""


_INSTALL = {
    "torch": "pip install torch",
    "jax": "pip install jax",
    "tensorflow": "pip install tensorflow",
    "cupy": "pip install cupy-cuda12x",
}
"""Framework -> the line that installs it; the module ``_<framework>`` beside this one is its adapter."""


class Recognised(NamedTuple):
    """An adapter together with the framework it needs."""

    adapter: Adapter
    framework: ModuleType

    def to_numpy(self, data: object) -> np.ndarray[Any, Any]:
        """Return the recognised array as numpy."""
        return self.adapter.to_numpy(data, self.framework)


def framework_of(data: object) -> Recognised | None:
    """Find the framework, among those already imported, whose array the value is."""
    for name in _INSTALL:
        framework = sys.modules.get(name)
        if framework is not None:
            adapter = _adapter(name)
            if adapter.is_array(data, framework):
                return Recognised(adapter, framework)
    return None


def to_framework(array: np.ndarray[Any, Any], framework: str, *, device: str | None = None) -> Any:
    """Hand a numpy array over to another framework, which is imported now.

    Parameters
    ----------
    array
        Of any shape; its dtype, shape and values are kept exactly, or the call is refused.
    framework
        ``"numpy"``, ``"torch"``, ``"jax"``, ``"tensorflow"`` or ``"cupy"``.
    device
        In the framework's own words: ``"cuda:0"``, ``"gpu:0"``, ``"cpu"``. ``None`` is where the
        framework puts a new array by itself (torch: the CPU).

    Returns
    -------
    array of the framework
        It belongs to the caller. A writable ``array`` is handed over: on the CPU, torch may go on
        using its memory. A read-only one, such as a view of what a store holds, is copied, so that
        nothing done to the result reaches the store. ``"numpy"`` gives ``array`` itself.

    Raises
    ------
    InvalidOption
        If there is no such framework or device.
    BackendUnavailable
        If the framework is not installed, or cannot be imported.
    UnsupportedData
        If the framework cannot hold the dtype, or ``array`` is not an array.

    Examples
    --------
    >>> import numpy as np
    >>> from polystore_core.data import to_framework
    >>> to_framework(np.zeros((2, 3)), "numpy", device="cpu").shape
    (2, 3)
    """
    if framework != "numpy" and framework not in _INSTALL:
        raise InvalidOption(_unknown(framework))
    import numpy as np

    from polystore_core.data._arrays import native

    if not isinstance(array, np.ndarray):
        raise UnsupportedData(
            f"a value of type {type_name(array)} cannot become an array of {framework}; "
            "leave framework= out, only arrays have one"
        )
    if framework == "numpy":
        if device not in {None, "cpu"}:
            raise InvalidOption(f"numpy has no device {device!r}; type device='cpu' or leave it out")
        return array
    imported = _import(framework)
    return _adapter(framework).from_numpy(native(np.asarray(array)), imported, device)


@cache
def _adapter(name: str) -> Adapter:
    return cast("Adapter", importlib.import_module(f"polystore_core.data._{name}"))


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise BackendUnavailable(f"{name} is installed but cannot be imported: {error}") from error
        raise BackendUnavailable(f"{name} is not installed; type {_INSTALL[name]}") from error
    except ImportError as error:
        raise BackendUnavailable(f"{name} is installed but cannot be imported: {error}") from error


def _unknown(framework: str) -> str:
    known = ["numpy", *_INSTALL]
    return f"no framework {framework!r}; known: {', '.join(known)}.{did_you_mean(str(framework), known)}"
