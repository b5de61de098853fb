"""One window of ImageJ whose planes arrive one by one."""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

import jpype

from polystore_fiji._java import java, on_event_thread
from polystore_fiji._look import Look
from polystore_fiji._lookup_tables import CHANNEL_COLORS, lookup_table
from polystore_fiji._painting import mark_updated
from polystore_fiji._pixels import COLOR, copy_in, copy_out, new_array, packed
from polystore_streaming.viewer import PositionGrid

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    import numpy as np

    from polystore_fiji._pixels import PixelForm
    from polystore_fiji._sliders import Sliders

    Array = np.ndarray[Any, Any]
    Key = tuple[int | str, ...]

__all__ = ["MOST_PLANES", "ImageWindow"]

_THIN = 500
"""Times as long as wide."""

MOST_PLANES = 100_000
"""ImageJ arranges all planes of a stack anew whenever it grows."""


class ImageWindow:
    """A window that shows planes along up to three sliders, and grows while they arrive.

    Planes are copied into Java's arrays at once; :meth:`refresh` makes them visible.

    Parameters
    ----------
    title
        Title of the window.
    sliders
        Which axis runs along which slider.
    form
        Form of the pixels.
    size
        Height and width of a plane, in pixels.
    """

    def __init__(self, title: str, sliders: Sliders, form: PixelForm, size: tuple[int, int]) -> None:
        self.title, self.sliders, self.form, self.size = title, sliders, form, size
        self.grid = PositionGrid(sliders.axes)
        self.looks: dict[Key, Look] = {}
        self.calibration: dict[str, float] = {}
        self.unit: str | None = None
        self.names: dict[Key, str] = {}
        self.imp: Any = None
        self._arrays: dict[Key, Any] = {}
        self._blank: Any = None
        self._combinations: tuple[list[Key], list[Key], list[Key]] = ([], [], [])
        self._grew = False
        self._restyled = False
        self._calibrated: object = None
        self._latest: Key = ()
        self._followed: tuple[Key, Key] | None = None

    @property
    def is_composite(self) -> bool:
        """Whether channels are shown over one another, each in its colour."""
        return bool(self.sliders.channels) and self.form is not COLOR

    @property
    def is_closed(self) -> bool:
        """Whether the user closed it."""
        return self.imp is not None and self.imp.getWindow() is None

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values along the axes of the sliders, then height and width."""
        return (*self.grid.shape, *self.size)

    def put(self, position: Mapping[str, int | str], plane: Array) -> None:
        """Copy a packed plane to its place.

        Raises
        ------
        ValueError
            If the position has other axes than the window, there are too many, or Java has no memory left.
        """
        key = self.grid.key(position)
        array = self._arrays.get(key)
        if array is None:
            self._check_number(position)
            array = self._room(plane.size)
            self.grid.add(position)
            self._arrays[key] = array
            self._grew = True
        copy_in(array, plane, self.form)
        self._latest = key

    def want(
        self,
        position: Mapping[str, int | str],
        table: Callable[[], Any] | None,
        limits: tuple[float, float] | None,
        *,
        given: bool,
        color: str | None = None,
    ) -> None:
        """Say how the channel at a position is to look, as far as the user leaves it to the stream."""
        look = self.looks.setdefault(self._channel(self.grid.key(position)), Look())
        if look.table is None and table is not None:
            look.table, look.color, self._restyled = table, color, True
        if look.want(limits, given=given):
            self._restyled = True

    def name_channel(self, position: Mapping[str, int | str], name: str) -> None:
        """Name the channel at a position."""
        self.names[self._channel(self.grid.key(position))] = name

    def read(self, position: Mapping[str, int | str], samples: int = 3) -> Array:
        """Return a copy of the plane that ImageJ holds at a position.

        Raises
        ------
        LookupError
            If there is none.
        """
        try:
            key = self.grid.key(position)
        except ValueError as error:
            raise LookupError(str(error)) from None
        if key not in self._arrays or self.imp is None:
            raise LookupError(f"no plane at {dict(position)} of {self.title!r}")
        channel, z, t = self.place(key)
        index = self.imp.getStackIndex(channel, z, t)
        return copy_out(self.imp.getStack().getPixels(index), self.form, self.size, samples)

    def place(self, key: Key) -> tuple[int, int, int]:
        """Return the position of a key along C, Z and T, each from 1."""
        frames, slices = len(self.sliders.frames), len(self.sliders.slices)
        parts = (key[frames + slices :], key[frames : frames + slices], key[:frames])
        channel, z, t = (found.index(part) + 1 for found, part in zip(self._combinations, parts, strict=True))
        return channel, z, t

    def place_along(self, position: Mapping[str, int | str]) -> tuple[int, int, int] | None:
        """Return where a position that may lack axes lies along C, Z and T, from 1, or 0 for all.

        What belongs to one channel is shown on all: there is one outline for a composite. ``None`` if a value
        of the position has no plane yet.
        """
        sliders = self.sliders
        places = []
        for axes, combinations in zip((sliders.slices, sliders.frames), self._combinations[1:], strict=True):
            known = [(index, position[axis]) for index, axis in enumerate(axes) if axis in position]
            fitting = [key for key in combinations if all(key[index] == value for index, value in known)]
            if not fitting:
                return None
            places.append(combinations.index(fitting[0]) + 1 if known and len(fitting) == 1 else 0)
        return 0, places[0], places[1]

    def refresh(self) -> bool:
        """Show what was put, in place; opens the window the first time. True if planes were added."""
        grew = self._grew
        if self.imp is None:
            self._open()
        else:
            viewed = self._viewed()
            if self._grew or self._is_foreign():
                tables = self._tables()
                self._arrange()
                self.imp.setOpenAsHyperStack(True)
                # ImageJ sets counts and planes one after the other; painting in between undoes the counts.
                on_event_thread(partial(self.imp.setStack, self._stack(), *map(len, self._combinations)))
                self._show_looks(tables)
            elif self._restyled:
                self._show_looks(self._tables())
            self._calibrate()
            self._go_to(viewed)
        self._grew = self._restyled = False
        mark_updated(self.imp)
        return grew

    def widen(self, form: PixelForm) -> None:
        """Keep what is shown in another form that holds all of it."""
        planes = {key: copy_out(array, self.form, self.size) for key, array in self._arrays.items()}
        self.form, self._blank, self._grew = form, None, True
        self._arrays = {key: self._room(plane.size) for key, plane in planes.items()}
        for key, plane in planes.items():
            copy_in(self._arrays[key], packed(plane, form), form)

    def reset(self, sliders: Sliders, form: PixelForm, size: tuple[int, int]) -> None:
        """Forget the planes, and take others in their place, in the same window where ImageJ can."""
        was_composite, had_size = self.is_composite, self.size
        self.sliders, self.form, self.size = sliders, form, size
        self.grid = PositionGrid(sliders.axes)
        self.looks, self._arrays, self._blank = {}, {}, None
        self._combinations = ([], [], [])
        self._followed, self._grew = None, True
        if was_composite != self.is_composite or (self._is_thin and size != had_size):
            self.close()

    def contrast(self) -> list[list[float]]:
        """Display range of each channel, as ImageJ has it."""
        return [[float(table.min), float(table.max)] for table in self._tables().values()]

    def close(self) -> None:
        """Close the window without asking."""
        if self.imp is not None:
            self.imp.changes = False
            self.imp.close()
            self.imp = None
        self._arrays.clear()

    def _open(self) -> None:
        self._arrange()
        imp = java("ij.ImagePlus")(self.title, self._stack())
        imp.setDimensions(*map(len, self._combinations))
        if self.is_composite:
            composite = java("ij.CompositeImage")
            imp = composite(imp, composite.COMPOSITE)
        imp.setOpenAsHyperStack(True)
        self.imp = imp
        self._calibrate()
        self._show_looks({})
        self._go_to(None)
        if self._is_thin:
            on_event_thread(self._show_thin)
        else:
            imp.show()

    @property
    def _is_thin(self) -> bool:
        """Whether all of it at once, as ImageJ shows it at first, might be less than a pixel wide."""
        return max(self.size) > _THIN * min(self.size)

    def _show_thin(self) -> None:
        """Show a part in full size; nothing is painted in between, which would fail."""
        self.imp.show()
        self.imp.getCanvas().zoom100Percent()

    def _check_number(self, position: Mapping[str, int | str]) -> None:
        """Refuse a plane that would make the stack too long: it has one for each combination of values."""
        lengths = [len({*self.grid.values[axis], position[axis]}) for axis in self.grid.axes]
        if prod(lengths) > MOST_PLANES:
            sizes = " x ".join(map(str, lengths))
            raise ValueError(
                f"a stack of {sizes} planes along {', '.join(self.grid.axes)}; ImageJ is given {MOST_PLANES} "
                "at most: show parts of it with layer=, or give the display option windows"
            )

    def _room(self, size: int) -> Any:
        try:
            return new_array(self.form, size)
        except jpype.JException as error:
            if not isinstance(error, java("java.lang.OutOfMemoryError")):
                raise
            most = java("java.lang.Runtime").getRuntime().maxMemory() // 2**20
            raise ValueError(
                f"Java has no room for another plane within its {most} MiB; close windows, or give the "
                "display more: memory='8g'"
            ) from None

    def _channel(self, key: Key) -> Key:
        return key[len(key) - len(self.sliders.channels) :]

    def _arrange(self) -> None:
        def combinations(axes: tuple[str, ...]) -> list[Key]:
            return list(product(*(self.grid.values[axis] for axis in axes)))

        sliders = self.sliders
        self._combinations = (
            combinations(sliders.channels),
            combinations(sliders.slices),
            combinations(sliders.frames),
        )

    def _stack(self) -> Any:
        """Arrange the planes as ImageJ does, C fastest; planes that are still to come share one blank."""
        height, width = self.size
        stack = java("ij.ImageStack")(width, height)
        channels, slices, frames = self._combinations
        for t, z, channel in product(frames, slices, channels):
            array = self._arrays.get(t + z + channel)
            if array is None:
                if self._blank is None:
                    self._blank = self._room(height * width)
                array = self._blank
            stack.addSlice(self._label(t + z + channel), array)
        return stack

    def _label(self, key: Key) -> str:
        named = dict(zip(self.sliders.axes, key, strict=True))
        words = [value if isinstance(value, str) else f"{axis} {value}" for axis, value in named.items()]
        name = self.names.get(self._channel(key))
        return ", ".join([*words, name] if name else words)

    def _is_foreign(self) -> bool:
        """Whether the user gave the window other pixels, such as a crop or another type."""
        try:
            index = self.imp.getStackIndex(*self.place(self._latest))
            held = self.imp.getStack().getPixels(index)
        except jpype.JException:
            return True
        return held is None or not self._arrays[self._latest].equals(held)

    def _tables(self) -> dict[Key, Any]:
        """What each channel looks like now."""
        imp = self.imp
        if self.form is COLOR or imp.getBitDepth() == COLOR.bits or not self._combinations[0]:
            return {}
        if self.is_composite:
            return dict(zip(self._combinations[0], imp.getLuts(), strict=False))
        model = imp.getProcessor().getColorModel()
        lows_highs = imp.getDisplayRangeMin(), imp.getDisplayRangeMax()
        return {self._combinations[0][0]: java("ij.process.LUT")(model, *lows_highs)}

    def _show_looks(self, current: Mapping[Key, Any]) -> None:
        if self.form is COLOR:
            return
        looks = {key: self.looks.setdefault(key, Look()) for key in self._combinations[0]}
        tables = [
            look.render(current.get(key), partial(lookup_table, color))
            for (key, look), color in zip(looks.items(), self._default_colors(looks.values()), strict=True)
        ]
        if self.is_composite:
            self.imp.setLuts(jpype.JArray(java("ij.process.LUT"))(tables))
        else:
            self.imp.setLut(tables[0])
            self.imp.setDisplayRange(tables[0].min, tables[0].max)
        for key, table in self._tables().items():
            looks[key].remember(table)

    def _default_colors(self, looks: Collection[Look]) -> list[str]:
        """Return what each channel has unless it has a colour of its own: none that another one has."""
        if not self.is_composite or len(looks) == 1:
            return ["gray"] * len(looks)
        taken = {look.color for look in looks}
        free = (color for color in CHANNEL_COLORS if color not in taken)
        return [look.color or next(free, "gray") for look in looks]

    def _viewed(self) -> tuple[Key, Key] | None:
        """What T and Z point to; ``None`` if that is the plane last followed: then the next one is too."""
        _, slices, frames = self._combinations
        z, t = self.imp.getZ(), self.imp.getT()
        if not (0 < z <= len(slices) and 0 < t <= len(frames)):
            return None
        viewed = frames[t - 1], slices[z - 1]
        return None if viewed == self._followed else viewed

    def _go_to(self, viewed: tuple[Key, Key] | None) -> None:
        frames = len(self.sliders.frames)
        if viewed is None:
            viewed = self._followed = (
                self._latest[:frames],
                self._latest[frames : frames + len(self.sliders.slices)],
            )
        t, z = self._combinations[2].index(viewed[0]) + 1, self._combinations[1].index(viewed[1]) + 1
        if (self.imp.getZ(), self.imp.getT()) != (z, t):
            self.imp.setPosition(self.imp.getC(), z, t)

    def _calibrate(self) -> None:
        """Take over what the stream says of sizes, when it says something new."""
        wanted = self.calibration, self.unit
        if self.unit is None or wanted == self._calibrated:
            return
        self._calibrated = wanted
        calibration = self.imp.getCalibration()
        for field, size in self.calibration.items():
            setattr(calibration, field, float(size))
        calibration.setUnit(self.unit)
