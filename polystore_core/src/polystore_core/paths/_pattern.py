"""Patterns of file names: from a path to its coordinates and back."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from polystore_core.errors import InvalidOption, InvalidPath
from polystore_core.paths._algebra import normalize_path
from polystore_core.paths._axes import standard_axis
from polystore_core.paths._coordinates import Coordinates
from polystore_core.paths._expression import captured_fields, expression_of
from polystore_core.paths._syntax import Field, flatten, parse_parts
from polystore_core.paths._writing import sample, spell, write_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from polystore_core.paths._grouping import PathGrid

__all__ = ["PathPattern"]


class PathPattern:
    """What a path tells about the plane it holds: well, field, channel, z, t and whatever else it names.

    Parameters
    ----------
    text
        The end of the path, with the parts that vary in braces. Without ``/`` it describes the file name,
        with ``/`` as many trailing components.

        ======================  ============================================================================
        ``{name}``              text without ``/``, as short as possible; ``{well}`` is one or two capital
                                letters and up to three digits (any text: ``{well:text}``)
        ``{name:d}``            a number from 0, with or without leading zeros
        ``{name:03d}``          a number written with at least three digits
        ``{name:a}``            letters; ``an``: letters and digits; ``guid``: a GUID
        ``{_}``, ``{_name}``    matched, but no coordinate; ``{_name:02d=1}`` is written as ``01``
        ``[...]``               an optional part; it is written when all its fields are given
        ``{{ }} [[ ]]``         the brackets themselves
        ======================  ============================================================================

        A field that occurs twice has the same value in both places. Letter case matters, except in a literal
        extension (``.tif`` fits ``.TIF``).

    Raises
    ------
    InvalidOption
        If the pattern is malformed; the message points at the place.

    Examples
    --------
    >>> from polystore_core.paths import PathPattern
    >>> pattern = PathPattern("{well}_s{site:d}_w{channel:d}_z{z:03d}.tif")
    >>> pattern.parse("plate/A01_s2_w1_z003.tif")
    Coordinates(well='A01', site=2, channel=1, z=3)
    >>> pattern.format(well="A01", site=2, channel=1, z=3)
    'A01_s2_w1_z003.tif'
    """

    __slots__ = (
        "_by_axis",
        "_captured",
        "_components",
        "_expression",
        "_fields",
        "_parts",
        "_required",
        "text",
    )

    text: str

    def __init__(self, text: str) -> None:
        self._parts = parse_parts(text)
        self.text = text
        flat = [(part, optional) for part, optional in flatten(self._parts) if isinstance(part, Field)]
        self._fields = {field.name: field for field, _ in flat}
        self._required = tuple(
            dict.fromkeys(field.name for field, optional in flat if not optional and field.default is None)
        )
        self._captured = [
            (field.name, int if field.is_number else str) for field in captured_fields(self._parts)
        ]
        self._by_axis = {standard_axis(name): name for name, _ in self._captured}
        self._components = "/" in text
        self._expression = re.compile(r"(?<![^/])" + expression_of(self._parts) + r"\Z")

    @classmethod
    def of(cls, pattern: PathPattern | str) -> PathPattern:
        """Give the pattern for what a user may write: a pattern, its text, or the name of a preset.

        Raises
        ------
        InvalidOption
            If it is none of these.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern.of("{well}_z{z:d}.tif").fields
        ('well', 'z')
        >>> PathPattern.of("imagexpress") == PathPattern.preset("imagexpress")
        True
        """
        if isinstance(pattern, PathPattern):
            return pattern
        if isinstance(pattern, str):
            return _from_text(pattern)
        raise InvalidOption(
            "a pattern is text such as '{well}_s{site:d}.tif', the name of a preset or a PathPattern, "
            f"not {type(pattern).__name__}"
        )

    @classmethod
    def preset(cls, name: str) -> PathPattern:
        """Give the pattern of a microscope's file names; see :data:`polystore_core.paths.PRESETS`.

        Raises
        ------
        InvalidOption
            If there is no preset of that name; the message lists them.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern.preset("opera-phenix").parse("Images/r02c11f03p05-ch1sk1fk1fl1.tiff")
        Coordinates(row=2, column=11, field=3, z=5, channel=1, t=1)
        """
        from polystore_core.paths._presets import preset_text

        return _from_text(preset_text(name))

    @classmethod
    def detect(cls, paths: Iterable[str | os.PathLike[str]]) -> PathPattern:
        """Find the preset that fits every path; of several, the one that tells most.

        Raises
        ------
        InvalidOption
            If none fits; the message lists the presets with an example each.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern.detect(["AS_09125_050116030001_D03f00d0.tif"]) == PathPattern.preset("cellomics")
        True
        """
        from polystore_core.paths._presets import detect_preset

        return detect_preset(paths)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the coordinates, in the order of the pattern."""
        return tuple(self._by_axis.values())

    @property
    def axes(self) -> tuple[str, ...]:
        """Standard names of the coordinates (``site`` is ``field``), in the order of the pattern."""
        return tuple(self._by_axis)

    @property
    def example(self) -> str:
        """A name that fits."""
        wanted = [
            field for field in self._fields.values() if not field.ignored or field.name in self._required
        ]
        return write_name(self._parts, {field.name: sample(field) for field in wanted})

    def fits(self, path: str) -> bool:
        """Whether the path has the form of the pattern.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern("{well}_z{z:d}.tif").fits("plate.HTD")
        False
        """
        return self._match(path) is not None

    def match(self, path: str | os.PathLike[str]) -> Coordinates | None:
        """Give the coordinates in a path, or ``None`` if it does not fit.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern("{well}_z{z:d}.tif").match("plate/A01_z12.TIF")
        Coordinates(well='A01', z=12)
        """
        values = self._match(normalize_path(path))
        return None if values is None else Coordinates(values)

    def parse(self, path: str | os.PathLike[str]) -> Coordinates:
        """Give the coordinates in a path.

        Raises
        ------
        InvalidPath
            If the path does not fit; the message says how far it does and shows a name that fits.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern("{well}_z{z:d}.tif").parse("A01_t12.tif")
        Traceback (most recent call last):
            ...
        polystore_core.errors.InvalidPath: 'A01_t12.tif' does not fit the pattern '{well}_z{z:d}.tif': \
it fits up to 'A01', but '_z' does not fit '_t12.tif'; a name that fits is 'A01_z1.tif'
        """
        text = normalize_path(path)
        values = self._match(text)
        if values is None:
            from polystore_core.paths._mismatch import describe_mismatch

            raise InvalidPath(describe_mismatch(self.text, self._parts, self.example, text), path=text)
        return Coordinates(values)

    def format(self, coordinates: Mapping[str, int | str] | None = None, /, **more: int | str) -> str:
        """Write the name for some coordinates: the inverse of :meth:`parse`.

        Parameters
        ----------
        coordinates, **more
            A value for every field outside the optional parts, under the name in the pattern or the
            standard name of its axis. Optional parts are written when all their fields are given.

        Raises
        ------
        InvalidOption
            If a field is missing, unknown or of the wrong form, or if the name would not be parsed back to
            the same coordinates.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> PathPattern("{well}[_s{site:d}]_w{channel:d}.tif").format(well="B02", channel=1)
        'B02_w1.tif'
        """
        given = self._own_names({**(coordinates or {}), **more})
        texts = {name: spell(self._fields[name], value) for name, value in given.items()}
        missing = [name for name in self._required if name not in texts]
        if missing:
            raise InvalidOption(f"pattern {self.text!r} needs {', '.join(missing)} too")
        name = write_name(self._parts, texts)
        wanted = {key: value for key, value in given.items() if not key.startswith("_")}
        if self._match(name) != wanted:
            raise InvalidOption(
                f"{Coordinates(given)} would give the name {name!r}, which pattern {self.text!r} does not "
                "read back as the same coordinates"
            )
        return name

    def grid(
        self, paths: Iterable[str | os.PathLike[str]], *, holes: Literal["error", "allow"] = "error"
    ) -> PathGrid:
        """Arrange paths along the axes of their coordinates; see :class:`PathGrid`.

        Parameters
        ----------
        paths
            At least one; all must fit the pattern and have different coordinates.
        holes
            ``"error"`` refuses a grid with combinations for which there is no path, ``"allow"`` leaves them
            empty.

        Raises
        ------
        InvalidPath
            If a path does not fit, two have the same coordinates, or combinations are missing.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> grid = PathPattern("w{channel:d}_z{z:d}.tif").grid(["w1_z1.tif", "w2_z1.tif"])
        >>> grid.axes, grid.shape, grid.paths
        (('channel', 'z'), (2, 1), {(0, 0): 'w1_z1.tif', (1, 0): 'w2_z1.tif'})
        """
        return next(iter(self.group(paths, by=(), holes=holes).values()))

    def group(
        self,
        paths: Iterable[str | os.PathLike[str]],
        *,
        by: str | Sequence[str],
        holes: Literal["error", "allow"] = "error",
    ) -> dict[Coordinates, PathGrid]:
        """Arrange paths in one grid per combination of some axes, such as one per well and field.

        All grids have the same axes and values, so that an index means the same in each. Only combinations
        that occur get a grid: a sparse plate has no holes when it is grouped by well.

        Parameters
        ----------
        paths, holes
            As in :meth:`grid`.
        by
            Axes that tell the grids apart, under the name in the pattern or their standard name.

        Returns
        -------
        dict of Coordinates to PathGrid
            In natural order of the coordinates, which have the standard names of ``by``.

        Raises
        ------
        InvalidOption
            If the pattern has no such axis.
        InvalidPath
            As in :meth:`grid`.

        Examples
        --------
        >>> from polystore_core.paths import PathPattern
        >>> pattern = PathPattern("{well}_w{channel:d}.tif")
        >>> groups = pattern.group(["B02_w1.tif", "A10_w1.tif", "A2_w1.tif"], by="well")
        >>> [(place["well"], grid.shape) for place, grid in groups.items()]
        [('A2', (1,)), ('A10', (1,)), ('B02', (1,))]
        """
        from polystore_core.paths._grouping import group_paths

        return group_paths(self, paths, by=(by,) if isinstance(by, str) else tuple(by), holes=holes)

    def _match(self, path: str) -> dict[str, int | str] | None:
        start = 0 if self._components else path.rfind("/") + 1
        match = self._expression.search(path, start)
        if match is None:
            return None
        values: dict[str, int | str] = {}
        for (name, convert), text in zip(self._captured, match.groups(), strict=True):
            if text is not None:
                value = convert(text)
                if values.setdefault(name, value) != value:
                    return None
        return values

    def _own_names(self, given: Mapping[str, int | str]) -> dict[str, int | str]:
        renamed: dict[str, int | str] = {}
        for name, value in given.items():
            known = name if name in self._fields else self._by_axis.get(standard_axis(name))
            if known is None:
                raise InvalidOption(
                    f"pattern {self.text!r} has no field {name!r}; its fields are {', '.join(self.fields)}"
                )
            if renamed.setdefault(known, value) != value:
                raise InvalidOption(f"field {known!r} is given twice, as {renamed[known]!r} and {value!r}")
        return renamed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PathPattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[type[PathPattern], tuple[str]]:
        return PathPattern, (self.text,)

    def __repr__(self) -> str:
        return f"PathPattern({self.text!r})"


@lru_cache(maxsize=64)
def _from_text(text: str) -> PathPattern:
    return PathPattern(text) if "{" in text else PathPattern.preset(text)
