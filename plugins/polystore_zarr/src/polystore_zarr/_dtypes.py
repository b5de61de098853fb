"""What Zarr v3 can hold."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from polystore_core import UnsupportedData

if TYPE_CHECKING:
    import numpy as np

__all__ = ["check_dtype"]

_KINDS = "biufcmM"


@lru_cache(maxsize=64)
def check_dtype(dtype: np.dtype[Any]) -> None:
    """Refuse what Zarr v3 has no settled data type for.

    Raises
    ------
    UnsupportedData
    """
    from zarr.dtype import parse_dtype

    reason = "has no data type in the specification of Zarr v3"
    if dtype.kind in _KINDS:
        try:
            if parse_dtype(dtype, zarr_format=3).to_native_dtype() == dtype:
                return
        except (TypeError, ValueError):
            reason = "is not known to the installed zarr"
    raise UnsupportedData(
        f"dtype {dtype} {reason}, so the array cannot be stored as it is; convert it, or save it as .npy to "
        "backend 'disk'"
    )
