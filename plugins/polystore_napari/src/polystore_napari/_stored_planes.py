"""Frames that are read from a store when they are looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from polystore_napari._planes import Key

__all__ = ["StoredPlanes"]

Array = np.ndarray[Any, Any]


class StoredPlanes:
    """Frames by their position, like those of ``Planes``, but read when they are sliced.

    Parameters
    ----------
    grid_axes
        Axes of the positions.
    frame_axes
        Axes of a frame.
    keys
        Positions that hold a frame; the first tells shape and data type of all.
    open_frame
        Returns the lazy array of a position.
    """

    samples = 0

    def __init__(
        self,
        grid_axes: Sequence[str],
        frame_axes: Sequence[str],
        keys: Collection[Key],
        open_frame: Callable[[Key], Any],
    ) -> None:
        self.grid_axes = tuple(grid_axes)
        self.frame_axes = tuple(frame_axes)
        self._keys = keys
        self._open_frame = open_frame
        self._opened: dict[Key, Any] = {}
        first = self.get(next(iter(keys)))
        self.dtype: np.dtype[Any] = first.dtype
        self.frame_shape = tuple(map(int, first.shape))

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of the positions, then those of a frame."""
        return self.grid_axes + self.frame_axes

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """Shape of the first frame, which all are shown in."""
        return self.frame_shape

    def positions(self) -> list[dict[str, int | str]]:
        """Return all positions that hold a frame."""
        return [dict(zip(self.grid_axes, key, strict=True)) for key in self._keys]

    def get(self, key: Key | None) -> Any:
        """Return the lazy array of a position, opened once; ``None`` where there is no frame."""
        if key is None or key not in self._keys:
            return None
        if key not in self._opened:
            self._opened[key] = self._open_frame(key)
        return self._opened[key]

    def padded(self, key: Key | None) -> Any:
        """Return the frame of a position in the shape of the first: cut, or filled up with zeros."""
        frame = self.get(key)
        if frame is None:
            return np.broadcast_to(np.zeros((), self.dtype), self.frame_shape)
        if frame.shape == self.frame_shape:
            return frame
        common = tuple(map(slice, map(min, frame.shape, self.frame_shape)))
        padded = np.zeros(self.frame_shape, self.dtype)
        padded[common] = frame[common]
        return padded

    def strided(self, frame: Any, stride: int) -> Any:
        """Return every ``stride``-th pixel along y and x."""
        step = slice(None, None, stride)
        return frame[..., step, step]

    def writable(self, key: Key) -> Array:
        """Refuse to write: stored data are only looked at."""
        raise ValueError(f"stored data are not changed here, also not at {key}")
