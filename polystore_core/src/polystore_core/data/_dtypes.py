"""Number formats that numpy itself lacks: bfloat16, float8 and friends, provided by ml_dtypes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from polystore_core.errors import BackendUnavailable

if TYPE_CHECKING:
    import numpy as np

__all__ = ["extension_dtype"]


def extension_dtype(name: str) -> np.dtype[Any]:
    """Return the numpy dtype of that name.

    Raises
    ------
    BackendUnavailable
        If ``ml_dtypes`` is not installed.
    """
    import numpy as np

    try:
        import ml_dtypes
    except ModuleNotFoundError as error:
        raise BackendUnavailable(
            f"{name} arrays need ml_dtypes, which is not installed; type pip install ml_dtypes"
        ) from error
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype
