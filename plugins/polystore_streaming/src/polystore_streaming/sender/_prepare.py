"""From what a pipeline saves to a frame: header and arrays. Nothing is copied here."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from polystore_core.data import is_rois, kind_of
from polystore_core.errors import InvalidOption, UnsupportedData
from polystore_streaming.memory import ALIGNMENT
from polystore_streaming.sender._appearance import axes_of, place_in_layer
from polystore_streaming.wire import DTYPES, ArraySpec, Frame, check_sendable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from polystore_core.data import Data
    from polystore_core.paths import PathPattern

__all__ = ["Blending", "Kind", "Prepared", "prepare"]

Kind: TypeAlias = Literal["image", "labels", "points"]
Blending: TypeAlias = Literal["additive", "translucent", "opaque"]

_POINT_AXES = ("t", "z", "y", "x")

_NAMES: dict[np.dtype[Any], Any] = {np.dtype(name): name for name in DTYPES}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame before its bytes have a place.

    Attributes
    ----------
    message
        Its header, with number 0 and without a place.
    arrays
        What is to be copied, one for each of ``message.arrays``.
    """

    message: Frame
    arrays: tuple[np.ndarray[Any, Any], ...]


def prepare(
    data: Data,
    path: str,
    *,
    kind: Kind | None = None,
    layer: str | None = None,
    pattern: str | PathPattern | None = None,
    axes: str | Sequence[str] | None = None,
    scale: float | Sequence[float] | None = None,
    unit: str | None = None,
    channel_names: Mapping[Any, str] | None = None,
    colormap: str | Mapping[Any, str] | None = None,
    blending: Blending | None = None,
    contrast: tuple[float, float] | None = None,
    point_size: float | None = None,
) -> Prepared:
    """Describe a value as a frame.

    Parameters
    ----------
    data
        An array (an image, or what ``kind`` says), a table with columns ``y`` and ``x`` and perhaps ``z``
        and ``t`` (points; other columns are features), or a list of ROIs.
    path
        Normalised path.
    kind
        ``"image"``, ``"labels"`` (integers), or ``"points"``: an array (N, D) of coordinates in pixels, y
        before x. By default an array is an image.
    layer
        Title of the layer; by default the path, or with a pattern the folder of the path.
    pattern
        What the paths of a layer tell about the position of each in it.
    axes
        Names of the axes of an image, such as ``"zcyx"``; see :func:`axes_of`. The columns of points.
    scale
        Size of a pixel along each axis except colours, in ``unit``; one number holds for y and x.
    unit
        Such as ``"micrometer"``.
    channel_names
        Value of the channel in the path -> its name.
    colormap
        Name of a colour such as ``"green"``, or ``"#rrggbb"``; or a mapping from channel to that.
    blending
        How layers on top of each other are mixed.
    contrast
        Limits of contrast; by default they are estimated when the frame is sent.
    point_size
        Diameter of points in pixels.

    Raises
    ------
    UnsupportedData
        For text, bytes, JSON values, and dtypes that viewers do not show.
    InvalidOption
        If the options do not fit the data.
    InvalidPath
        If the path does not fit the pattern.
    """
    layer, position = place_in_layer(path, pattern, layer)
    role, named, point_axes = _columns(data, path, kind, axes)
    channel = position.get("channel")
    common: dict[str, Any] = {
        "unit": unit,
        "channel_name": None if channel_names is None else channel_names.get(channel),
        "colormap": colormap if isinstance(colormap, str) or colormap is None else colormap.get(channel),
    }
    if role in ("image", "labels"):
        pixels = named["pixels"]
        common["axes"] = axes_of(pixels, axes)
        if pixels.ndim < 2:
            raise UnsupportedData(
                f"{path!r}: an image has at least two axes, not the shape {pixels.shape}; "
                "kind='points' takes an array (N, D) of coordinates",
                path=path,
            )
        if role == "image" and common["axes"][-1] != "rgb":
            common["contrast"] = None if contrast is None else _limits(contrast)
            common["contrast_given"] = contrast is not None
        common["blending"] = blending
    else:
        common["axes"] = point_axes
        common["point_size"] = point_size
    common["scale"] = _scales(scale, common["axes"])
    specs, size = _layout(named, path)
    message = Frame(
        seq=0, path=path, layer=layer, role=role, arrays=specs, size=size, position=position, **common
    )
    check_sendable(message)
    return Prepared(message, tuple(named.values()))


def _columns(
    data: Any, path: str, kind: Kind | None, axes: str | Sequence[str] | None
) -> tuple[Any, dict[str, np.ndarray[Any, Any]], tuple[str, ...]]:
    """Return the role of a value, its arrays by name, and the axes of points."""
    found = kind_of(data)
    if found == "array":
        if kind != "points":
            _check_labels(data, path, kind)
            return kind or "image", {"pixels": data}, ()
        if data.ndim != 2 or not 2 <= data.shape[1] <= len(axes or _POINT_AXES):
            raise InvalidOption(
                f"points are an array (N, D) of 2 to 4 coordinates, not of shape {data.shape}"
            )
        named = tuple(axes) if axes is not None else _POINT_AXES[-data.shape[1] :]
        return "points", {"coordinates": np.asarray(data, np.float64)}, named
    if found == "table" and kind in (None, "points"):
        return _point_table(data, path)
    if is_rois(data) and kind is None:
        from polystore_roi import rois_to_table

        return "rois", dict(rois_to_table(data)), ("y", "x")
    raise UnsupportedData(
        f"{path!r}: a viewer shows arrays, tables of points and lists of ROIs, not {found}"
        + (f" as {kind}" if kind else ""),
        path=path,
    )


def _point_table(
    data: Mapping[str, np.ndarray[Any, Any]], path: str
) -> tuple[str, dict[str, np.ndarray[Any, Any]], tuple[str, ...]]:
    named = tuple(axis for axis in _POINT_AXES if axis in data)
    if not {"y", "x"} <= set(named):
        raise UnsupportedData(
            f"{path!r}: a table shown as points has the columns 'y' and 'x' in pixels; got {', '.join(data)}",
            path=path,
        )
    coordinates = np.stack([np.asarray(data[axis], np.float64) for axis in named], axis=1)
    features = {name: column for name, column in data.items() if name not in named}
    return "points", {"coordinates": coordinates, **features}, named


def _check_labels(data: np.ndarray[Any, Any], path: str, kind: Kind | None) -> None:
    if kind == "labels" and data.dtype.kind not in "biu":
        raise UnsupportedData(
            f"{path!r}: a label image holds integers, not {data.dtype}; type labels.astype('uint32')",
            path=path,
        )


def _layout(named: Mapping[str, np.ndarray[Any, Any]], path: str) -> tuple[tuple[ArraySpec, ...], int]:
    specs: list[ArraySpec] = []
    end = 0
    for name, array in named.items():
        dtype = _NAMES.get(array.dtype.newbyteorder("="))
        if dtype is None:
            what = f"{path!r}" if name in {"pixels", "coordinates"} else f"column {name!r} of {path!r}"
            raise UnsupportedData(
                f"{what} holds {array.dtype}, which viewers do not show; convert it, for example by "
                "array.astype('float32'), or leave it out",
                path=path,
            )
        specs.append(ArraySpec(name=name, dtype=dtype, shape=array.shape, offset=end))
        end += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    return tuple(specs), end


def _limits(contrast: tuple[float, float]) -> tuple[float, float]:
    low, high = map(float, contrast)
    if not (isfinite(low) and isfinite(high) and low < high):
        raise InvalidOption(f"contrast= takes two finite numbers, the lower first; got {contrast!r}")
    return low, high


def _scales(scale: float | Sequence[float] | None, axes: Sequence[str]) -> tuple[float, ...]:
    spatial = [axis for axis in axes if axis != "rgb"]
    if scale is None:
        return ()
    if isinstance(scale, (int, float)):
        scales = tuple(float(scale) if axis in {"y", "x"} else 1.0 for axis in spatial)
    else:
        scales = tuple(map(float, scale))
    if len(scales) != len(spatial) or not all(isfinite(step) and step > 0 for step in scales):
        raise InvalidOption(
            f"scale= takes one number above 0 for each of {', '.join(spatial)}; got {scale!r}"
        )
    return scales
