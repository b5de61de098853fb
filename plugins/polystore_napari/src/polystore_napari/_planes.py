"""Arrays that grow while planes arrive, without a copy of what is there."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from polystore_napari._stored_planes import StoredPlanes
    from polystore_napari._world import World

__all__ = ["Key", "Part", "Planes", "Stack"]

Key = tuple[int | str, ...]
Array = np.ndarray[Any, Any]


class Planes:
    """Frames of one layer by their position; each in memory of its own.

    Parameters
    ----------
    grid_axes
        Axes of the positions.
    frame_axes
        Axes of a frame but the one of red, green and blue.
    dtype
        Of every frame.
    samples
        Length of the last axis where it holds red, green, blue and alpha; 0 where there is none.
    """

    def __init__(
        self, grid_axes: Sequence[str], frame_axes: Sequence[str], dtype: np.dtype[Any], samples: int = 0
    ) -> None:
        self.grid_axes = tuple(grid_axes)
        self.frame_axes = tuple(frame_axes)
        self.dtype = dtype
        self.samples = samples
        self.frame_shape = (0,) * len(self.frame_axes)
        self._frames: dict[Key, Array] = {}

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def axes(self) -> tuple[str, ...]:
        """Axes of the positions, then those of a frame."""
        return self.grid_axes + self.frame_axes

    def put(self, key: Key, pixels: Array) -> bool:
        """Copy a frame to its place, over the former one where it has the same shape.

        Returns
        -------
        bool
            Whether arrays and stacks made from these planes before are still good.
        """
        held = self._frames.get(key)
        if held is not None and held.shape == pixels.shape:
            np.copyto(held, pixels)
            return True
        self._frames[key] = pixels.copy()
        before = self.frame_shape
        frames = [pixels] if held is None else list(self._frames.values())
        shapes = [frame.shape[: len(self.frame_axes)] for frame in frames]
        shapes += [before] if held is None else []
        self.frame_shape = tuple(max(lengths) for lengths in zip(*shapes, strict=True))
        return bool(self.grid_axes) and self.frame_shape == before

    def positions(self) -> list[dict[str, int | str]]:
        """Return all positions that hold a frame."""
        return [dict(zip(self.grid_axes, key, strict=True)) for key in self._frames]

    @property
    def whole_shape(self) -> tuple[int, ...]:
        """The largest shape of all frames, with the axis of red, green and blue."""
        return self.frame_shape + ((self.samples,) if self.samples else ())

    def get(self, key: Key | None) -> Array | None:
        """Return the frame at a position as it is held, not a copy."""
        return None if key is None else self._frames.get(key)

    def padded(self, key: Key | None) -> Array:
        """Return the frame at a position, filled up with zeros to the largest shape of all."""
        shape = self.whole_shape
        frame = self.get(key)
        if frame is None:
            return np.zeros(shape, self.dtype)
        if frame.shape == shape:
            return frame
        padded = np.zeros(shape, self.dtype)
        padded[tuple(map(slice, frame.shape))] = frame
        return padded

    def strided(self, frame: Array, stride: int) -> Array:
        """Return every ``stride``-th pixel of a frame along y and x; a view."""
        step = slice(None, None, stride)
        return frame[(..., step, step, slice(None)) if self.samples else (..., step, step)]

    def writable(self, key: Key) -> Array:
        """Return the frame at a position in the largest shape of all, made if there is none."""
        frame = self._frames.get(key)
        if frame is None or frame.shape != self.whole_shape:
            frame = self._frames[key] = np.array(self.padded(key))
        return frame


class Stack:
    """The planes of a layer as one array over the axes of the window.

    Along grid axes it follows the values that the window knows, along axes that the layer does not have it is
    the same everywhere. Where no plane has come it is zero. Indexing gives a view of the plane where it
    touches a single one, else a :class:`Part` that is still to be read.

    Parameters
    ----------
    planes
        The planes, shared with other stacks over them.
    world
        Axes of the window.
    stride
        Every how many pixels along the last two axes.
    """

    def __init__(self, planes: Planes | StoredPlanes, world: World, stride: int = 1) -> None:
        self._planes = planes
        self._world = world
        self._stride = stride

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the planes."""
        return self._planes.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of steps along each axis of the window, then those of a frame as the largest one has."""
        lift = self._world.lift(self._planes.axes)
        grid = len(self._planes.grid_axes)
        frame = self._strided_shape()
        lengths = [
            length if source is None or source < grid else frame[source - grid]
            for source, length in zip(lift.sources, lift.lengths, strict=True)
        ]
        return tuple(lengths) + ((self._planes.samples,) if self._planes.samples else ())

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.read([range(length) for length in self.shape]), dtype=dtype, copy=copy)

    def __getitem__(self, key: Any) -> Array | Part:
        """Return a part, by integers and slices or by one array of indices per axis.

        A part of more than one plane is read when it is made an array, and may be cut further before: napari
        cuts along the axes it shows first.
        """
        selection = self._full(key)
        if any(isinstance(entry, np.ndarray) for entry in selection):
            return self._gather(selection)
        steps = [entry if isinstance(entry, int) else _as_range(entry) for entry in selection]
        sources = self._world.lift(self._planes.axes).sources
        grid = len(self._planes.grid_axes)
        planes = [
            entry
            for entry, source in zip(steps, sources, strict=False)
            if source is not None and source < grid
        ]
        if all(isinstance(entry, int) or len(entry) == 1 for entry in planes):
            return self.read(steps)
        return Part(self, steps)

    def read(self, steps: Sequence[int | range]) -> Array:
        """Return the outer product of one integer or range per axis as an array."""
        drop = tuple(0 if isinstance(entry, int) else slice(None) for entry in steps)
        block: Array = self._block([_as_range(entry) for entry in steps])[drop]
        return block

    def __setitem__(self, key: Any, value: Any) -> None:
        """Write a part; along axes that the layer does not have it is written once, and seen everywhere."""
        selection = self._full(key)
        if any(isinstance(entry, np.ndarray) for entry in selection):
            self._scatter(selection, value)
            return
        ranges = [_as_range(entry) for entry in selection]
        axes = tuple(axis for axis, entry in enumerate(selection) if isinstance(entry, int))
        whole = np.broadcast_to(value, [len(steps) for axis, steps in enumerate(ranges) if axis not in axes])
        indices = np.ix_(*map(np.asarray, ranges))
        self._scatter(list(np.broadcast_arrays(*indices)), np.expand_dims(whole, axes))

    def _strided_shape(self) -> tuple[int, ...]:
        shape = self._planes.frame_shape
        return (*shape[:-2], *(-(-length // self._stride) for length in shape[-2:]))

    def _strided(self, frame: Array) -> Array:
        return self._planes.strided(frame, self._stride)

    def _full(self, key: Any) -> list[int | slice | Array]:
        """Return one integer, slice or array for each axis; integers count from the start."""
        shape = self.shape
        entries = _filled(key, len(shape))
        return [_checked(entry, length) for entry, length in zip(entries, shape, strict=True)]

    def _block(self, ranges: list[range]) -> Array:
        """Read the outer product of one range per axis."""
        lift = self._world.lift(self._planes.axes)
        grid = len(self._planes.grid_axes)
        own = {
            source: steps for source, steps in zip(lift.sources, ranges, strict=False) if source is not None
        }
        frame = tuple(_as_slice(own[grid + n]) for n in range(len(self._planes.frame_axes)))
        if self._planes.samples:
            frame += (_as_slice(ranges[-1]),)
        cells = [own[n] for n in range(grid)]
        if all(len(steps) == 1 for steps in cells):
            key = self._key([steps[0] for steps in cells])
            block = np.asarray(self._strided(self._planes.padded(key))[frame])[(None,) * grid]
        else:
            block = self._assembled(cells, frame)
        order = [source for source in lift.sources if source is not None]
        block = block.transpose(*order, *range(len(order), block.ndim))
        missing = tuple(n for n, source in enumerate(lift.sources) if source is None)
        whole = np.expand_dims(block, missing)
        shape = tuple(len(steps) for steps in ranges)
        return whole if whole.shape == shape else np.broadcast_to(whole, shape)

    def _assembled(self, cells: list[range], frame: tuple[slice, ...]) -> Array:
        shape = self._strided(self._planes.padded(None))[frame].shape
        block = np.zeros((*map(len, cells), *shape), self.dtype)
        for place in product(*(range(len(steps)) for steps in cells)):
            key = self._key([steps[at] for steps, at in zip(cells, place, strict=True)])
            if self._planes.get(key) is not None:
                block[place] = self._strided(self._planes.padded(key))[frame]
        return block

    def _key(self, steps: Sequence[int]) -> Key | None:
        values = [self._world.values(axis) for axis in self._planes.grid_axes]
        if any(step >= len(known) for known, step in zip(values, steps, strict=True)):
            return None
        return tuple(known[step] for known, step in zip(values, steps, strict=True))

    def _gather(self, selection: list[int | slice | Array]) -> Array:
        indices = _pointwise(selection)
        gathered = np.zeros(indices[0].shape, self.dtype)
        for key, chosen, frame in self._by_plane(indices):
            gathered[chosen] = np.asarray(self._strided(self._planes.padded(key)))[frame].ravel()
        return gathered

    def _scatter(self, selection: Sequence[int | slice | Array], value: Any) -> None:
        indices = _pointwise(selection)
        values = np.broadcast_to(value, indices[0].shape)
        for key, chosen, frame in self._by_plane(indices):
            if key is not None:
                self._strided(self._planes.writable(key))[frame] = values[chosen].reshape(frame[0].shape)

    def _by_plane(self, indices: list[Array]) -> Iterator[tuple[Key | None, Array, tuple[Array, ...]]]:
        """Yield, for each plane that is touched: its key, which of the points lie in it, and where."""
        lift = self._world.lift(self._planes.axes)
        grid = len(self._planes.grid_axes)
        own = {
            source: index for source, index in zip(lift.sources, indices, strict=False) if source is not None
        }
        frame = [own[grid + n] for n in range(len(self._planes.frame_axes))]
        if self._planes.samples:
            frame.append(indices[-1])
        if not indices[0].size:
            return
        columns = np.array([own[n].ravel() for n in range(grid)]).reshape(grid, -1)
        if not columns.size or (columns == columns[:, :1]).all():
            everything = np.ones(indices[0].shape, np.bool_)
            yield self._key(columns[:, 0].tolist() if grid else []), everything, tuple(frame)
            return
        for cell in np.unique(columns, axis=1).T:
            chosen = (columns == cell[:, None]).all(axis=0).reshape(indices[0].shape)
            yield self._key(cell.tolist()), chosen, tuple(index[chosen] for index in frame)


class Part:
    """A part of a stack that is not read yet.

    Parameters
    ----------
    stack
        The stack.
    steps
        An integer or a range for each of its axes.
    """

    def __init__(self, stack: Stack, steps: Sequence[int | range]) -> None:
        self._stack = stack
        self._steps = list(steps)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the planes."""
        return self._stack.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of steps along each axis that is no single one."""
        return tuple(len(entry) for entry in self._steps if isinstance(entry, range))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._stack.read(self._steps), dtype=dtype, copy=copy)

    def __getitem__(self, key: Any) -> Array | Part:
        """Cut the part further."""
        entries = iter(_filled(key, self.ndim))
        steps: list[Any] = [
            entry if isinstance(entry, int) else entry[next(entries)] for entry in self._steps
        ]
        return self._stack[tuple(_as_slice(entry) if isinstance(entry, range) else entry for entry in steps)]


def _filled(key: Any, ndim: int) -> list[Any]:
    """Return one entry for each axis."""
    entries = list(key) if isinstance(key, tuple) else [key]
    if any(entry is Ellipsis for entry in entries):
        at = next(n for n, entry in enumerate(entries) if entry is Ellipsis)
        entries[at : at + 1] = [slice(None)] * (ndim - len(entries) + 1)
    if len(entries) > ndim:
        raise IndexError(f"{len(entries)} indices for {ndim} axes")
    return entries + [slice(None)] * (ndim - len(entries))


def _checked(entry: Any, length: int) -> int | slice | Array:
    if isinstance(entry, slice):
        if (entry.step or 1) < 0:
            raise IndexError("slices that run backwards are not supported")
        return slice(*entry.indices(length))
    if isinstance(entry, (list, np.ndarray)) and np.ndim(entry):
        array = np.asarray(entry)
        return np.flatnonzero(array) if array.dtype == bool else array
    index = int(entry)
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of bounds for an axis of length {length}")
    return index % length


def _as_range(entry: Any) -> range:
    if isinstance(entry, range):
        return entry
    if isinstance(entry, int):
        return range(entry, entry + 1)
    return range(entry.start, entry.stop, entry.step)


def _as_slice(steps: range) -> slice:
    return slice(steps.start, steps.stop, steps.step)


def _pointwise(selection: Sequence[int | slice | Array]) -> list[Array]:
    if any(isinstance(entry, slice) for entry in selection):
        raise IndexError("arrays of indices and slices do not mix; give one array per axis")
    return list(np.broadcast_arrays(*(np.asarray(entry) for entry in selection)))
