"""Narrowing a value to the kind that a codec holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from polystore_core.errors import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

    from polystore_core.data import Data

    Array = np.ndarray[Any, Any]

__all__ = ["describe", "require_array", "require_table"]


def describe(array: Array) -> str:
    """Return dtype and shape as an error message shows them."""
    return f"{array.dtype} {array.shape}"


def require_array(data: Data, holds: str) -> Array:
    """Return ``data`` as the array it is; ``holds`` says in the error what the format can do."""
    import numpy as np

    if not isinstance(data, np.ndarray):
        raise UnsupportedData(f"{holds}; got {type(data).__name__}: save numpy.asarray(data)")
    return data


def require_table(data: Data, holds: str) -> Mapping[str, Array]:
    """Return ``data`` as the table it is; ``holds`` says in the error what the format can do."""
    import numpy as np

    if not isinstance(data, Mapping) or not all(isinstance(column, np.ndarray) for column in data.values()):
        raise UnsupportedData(f"{holds}; got {type(data).__name__}: save {{'name of the column': array}}")
    return cast("Mapping[str, Array]", data)
