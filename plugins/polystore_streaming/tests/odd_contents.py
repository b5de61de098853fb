"""Contents that keep to the protocol, and that a viewer may not be able to show.

A content is the fields of a frame, and its arrays by name.
"""

from __future__ import annotations

import json
import math

import numpy as np

from polystore_roi import Mask, Points, Polygon, Rectangle, Text, rois_to_table
from polystore_streaming.wire import DTYPES

AXES = (*(f"axis{number}" for number in range(11)), "t", "channel", "z", "y", "x")
TEXTS = {
    "nothing": "",
    "blanks": "  ",
    "lines": "one\ntwo\r\nthree",
    "NULs": "a\0b\0",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x9f",
    "right to left": "\u202eתמונה\u202c صورة",
    "beyond 16 bits": "\U0001f52c\U0010ffff\ufffe",
    "markup": "<html><b>&lt;</b><img src='file:///etc/passwd'>",
    "a format": "%s %n {0} {} ${HOME}",
    "combined": "e" + "\u0301" * 60,
    "64 characters": "m" * 64,
}
LONG = {"4,096 characters": "long " * 819, "10,000 characters": "x" * 10_000}

EXTREMES = (0, 1, -1, 2**63, -(2**63), 2**64 - 1, math.inf, -math.inf, math.nan, 1.7e308, -1.7e308, 5e-324)


def image(pixels, **fields):
    """Return an image, or what ``role`` says, with usual axes unless ``axes`` are given."""
    return {"role": "image", "axes": AXES[-pixels.ndim :], **fields}, {"pixels": pixels}


def extremes(dtype):
    """Return the least and the greatest values of a data type, and what lies between, as (2, 6)."""
    kind = np.dtype(dtype).kind
    if kind == "b":
        return np.arange(12).reshape(2, 6) % 2 == 0
    if kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        return np.array([low, low + 1, 0, 1, high - 1, high] * 2, dtype).reshape(2, 6)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(EXTREMES, dtype).reshape(2, 6)


def plain(shape=(4, 6), dtype=np.uint16):
    """Return an array that every viewer shows."""
    return np.arange(math.prod(shape)).reshape(shape).astype(dtype)


def points(coordinates, axes=("y", "x"), features=None, **fields):
    """Return points."""
    return {"role": "points", "axes": axes, **fields}, {"coordinates": coordinates, **(features or {})}


REGIONS = [
    Polygon([(1, 1), (1, 9), (9, 9)], holes=[[(2, 3), (2, 7), (5, 7)]], name="cell", z=1),
    Points([(1, 1), (2, 2)], t=2),
    Rectangle(1, 2, 3, 4, angle=5),
    Mask(np.eye(5, dtype=bool), 1, 1),
    Text("text", 1, 1, 5, 9),
]


def regions(rois=REGIONS, **changes):
    """Return a table of regions in which some columns are replaced, or left out by ``None``."""
    table = {**rois_to_table(rois), **changes}
    return {"role": "rois", "axes": ("y", "x")}, {
        name: column for name, column in table.items() if column is not None
    }


def _columns_changed():
    """Yield tables of which one column is broken."""
    table = rois_to_table(REGIONS)
    for name, column in table.items():
        yield f"without {name}", {name: None}
        yield f"{name} is cut", {name: column[:-1]}
        yield f"{name} is fractions", {name: np.zeros(3)}
        if column.dtype == np.int64:
            for value in (-(2**63), -7, 2**31, 2**63 - 1):
                changed = column.copy()
                changed.flat[-1] = value
                yield f"{name} ends in {value}", {name: changed}
                changed = column.copy()
                changed.flat[0] = value
                yield f"{name} begins with {value}", {name: changed}
    for value in (math.nan, math.inf, -1e308, 1e308, 1e18):
        yield f"a vertex at {value}", {"vertices": np.full_like(table["vertices"], value)}
    yield "all vertices in one place", {"vertices": np.zeros_like(table["vertices"])}
    yield "unknown kinds", {"kind": np.full_like(table["kind"], 99)}
    yield "other kinds", {"part_kind": table["part_kind"][::-1].copy()}
    yield "no JSON", {"text": np.frombuffer(b"[" * 10_000, np.uint8)}
    yield "no UTF-8", {"text": np.frombuffer(b'{"names":["\xff"]}', np.uint8)}
    for name, text in {**TEXTS, **LONG}.items():
        words = json.dumps({"names": [text] * len(REGIONS), "texts": [text]}).encode()
        yield f"names of {name}", {"text": np.frombuffer(words, np.uint8)}


def _images():
    for dtype in DTYPES:
        yield f"an image of {dtype}", image(extremes(dtype))
        yield f"a stack of {dtype}", image(np.stack([extremes(dtype)] * 3))
        yield f"an image of one value of {dtype}", image(np.full((4, 6), extremes(dtype).flat[-1]))
    for dtype in ("bool", "int8", "int64", "uint64"):
        yield f"labels of {dtype}", image(extremes(dtype), role="labels")
    for value in (math.nan, math.inf, -math.inf):
        yield f"an image of nothing but {value}", image(np.full((4, 6), value, np.float32))
    for shape in ((0, 0), (0, 5), (5, 0), (0, 4, 4), (2, 4, 0), (0, 2**40), (2**40, 0)):
        for role in ("image", "labels"):
            yield f"{role} of shape {shape}", image(np.zeros(shape, np.uint16), role=role)
    yield "colours of no pixels", image(np.zeros((0, 0, 3), np.uint8), axes=("y", "x", "rgb"))
    yield "one axis", image(plain((5,)))
    yield "one pixel", image(plain((1, 1)))
    yield "7 axes", image(plain((2, 1, 2, 3, 2, 4, 5)))
    yield "16 axes", image(plain((*(1,) * 14, 4, 5)))
    yield "a high image", image(plain((100_000, 1)))
    yield "a wide image", image(plain((1, 100_000)))
    yield "100 channels", image(plain((100, 3, 3)), axes=("channel", "y", "x"))
    yield "no channels", image(plain((0, 3, 3)), axes=("channel", "y", "x"))
    for dtype in ("uint8", "uint16", "float32", "bool", "int64"):
        pixels = extremes(dtype).reshape(2, 2, 3)
        yield f"colours of {dtype}", image(pixels, axes=("y", "x", "rgb"))
    yield "colours, transparent", image(plain((2, 2, 4), np.uint8), axes=("y", "x", "rgb"))
    yield "stacked colours", image(plain((2, 2, 2, 3), np.uint8), axes=("z", "y", "x", "rgb"))


def _axes():
    for axes in (
        ("x", "y"),
        ("y", "z"),
        ("channel", "x"),
        ("y", "channel"),
        ("z", "t"),
        ("", " "),
        ("a", "b"),
    ):
        yield f"the axes {axes}", image(plain(), axes=axes)
    for name, text in TEXTS.items():
        yield f"an axis named {name}", image(plain((2, 4, 6)), axes=(text, "y", "x"))
        yield f"a position along {name}", image(plain(), position={text: 1})
        yield f"a position at {name}", image(plain(), position={"well": text})
        yield f"a channel at {name}", image(plain(), position={"channel": text})
        yield f"a channel named {name}", image(plain(), position={"channel": 1}, channel_name=text)
    yield "a position along an axis of the image", image(plain((2, 4, 6)), position={"z": 1})
    for axis in ("x", "y", "rgb"):
        yield f"a position along {axis}", image(plain(), position={axis: 1})
    yield "a position along 16 axes", image(plain(), position={f"p{number}": number for number in range(16)})
    for step in (-1, 2**31, 2**63 - 1, -(2**63)):
        yield f"a position at {step}", image(plain(), position={"z": step, "channel": step})


def _looks():
    for limits in (
        (5.0, 5.0),
        (0.0, 5e-324),
        (-1.7e308, 1.7e308),
        (1e308, 1.7e308),
        (2.0, 1.0),
        (math.nan, 1.0),
        (0.0, math.inf),
    ):
        for dtype in (np.uint8, np.uint16, np.float32):
            yield (
                f"contrast of {dtype.__name__} {limits}",
                image(plain(dtype=dtype), contrast=limits, contrast_given=True),
            )
    for step in (0.0, -1.0, math.nan, math.inf, 1e308, 1e-300, 5e-324):
        yield f"pixels of {step}", image(plain(), scale=(step, step), unit="micrometer")
        yield f"pixels of 1 and {step}", image(plain(), scale=(1.0, step))
        yield f"points on pixels of {step}", points(plain((3, 2), float), scale=(step, step))
    for name, text in {**TEXTS, **LONG}.items():
        yield f"a layer named {name}", image(plain(), layer=text)
        yield f"a path named {name}", image(plain(), path=text)
        yield f"points named {name}", points(plain((3, 2), float), layer=text)
    for name, text in {**TEXTS, "no colour": "#12345", "beyond hex": "#gggggg", "a word": "viridiss"}.items():
        yield f"the colormap {name}", image(plain(), colormap=text)
        yield f"points coloured {name}", points(plain((3, 2), float), colormap=text)
    for unit in (
        *TEXTS.values(),
        "furlong",
        "kelvin",
        "meter ** 2",
        "3 m",
        "9**9**9**9",
        "1/0",
        "2**-1",
        "(",
        "µm",
    ):
        yield f"the unit {unit!r}", image(plain(), scale=(2.0, 2.0), unit=unit)
    for blending in ("additive", "translucent", "opaque"):
        yield f"{blending}", image(plain(), blending=blending)


def _points():
    for dtype in DTYPES:
        yield f"points of {dtype}", points(extremes(dtype).reshape(6, 2))
        yield f"a feature of {dtype}", points(plain((6, 2), float), features={"f": extremes(dtype)[0]})
    for value in (math.nan, math.inf, -1e308, 1e308, 1e18, -5.0, 1e10):
        yield f"points at {value}", points(np.full((3, 2), value))
        yield f"points at the plane {value}", points(np.full((3, 3), value), ("z", "y", "x"))
    yield "no points", points(np.zeros((0, 2)))
    yield "points along one axis", points(np.zeros((3, 1)), ("x",))
    yield "points without axes", points(np.zeros((3, 0)), ())
    yield "points along five axes", points(np.zeros((3, 5)), ("a", "b", "c", "y", "x"))
    yield "points along other axes", points(np.zeros((3, 2)), ("z", "t"))
    yield "points of too many columns", points(np.zeros((3, 3)))
    yield "points of one dimension", points(np.zeros(6))
    yield "points without coordinates", ({"role": "points", "axes": ("y", "x")}, {"other": np.zeros((3, 2))})
    yield "a feature that is too short", points(plain((6, 2), float), features={"f": np.zeros(2)})
    yield "a feature that is too long", points(plain((6, 2), float), features={"f": np.zeros(20)})
    yield "a feature of two dimensions", points(plain((6, 2), float), features={"f": np.zeros((6, 6))})
    for name in ("path", "region", "name", "", "a\0b", "index"):
        yield f"a feature named {name!r}", points(plain((6, 2), float), features={name: np.zeros(6)})
    for size in (0.0, 5e-324, 1e308, -1.0, math.nan):
        yield f"points of the size {size}", points(plain((6, 2), float), point_size=size)


def _regions():
    yield "regions", regions()
    yield "no regions", regions([])
    yield "no table", ({"role": "rois", "axes": ("y", "x")}, {"other": np.zeros(3)})
    for name, changes in _columns_changed():
        yield f"regions: {name}", regions(**changes)
    for name, rois in {
        "of no area": [Polygon([(1, 1), (1, 1), (1, 1)]), Rectangle(1, 1, 0, 0)],
        "that cross themselves": [Polygon([(0, 0), (9, 9), (0, 9), (9, 0)])],
        "on far planes": [Points([(1, 1)], z=2**31 - 2, t=2**31 - 2)],
        "far away": [Polygon([(0, 0), (2.0**50, 0), (2.0**50, 2.0**50)]), Points([(2.0**50, -(2.0**50))])],
        "of far planes": [Polygon([(1, 1), (1, 9), (9, 9)], z=2**31 - 2)],
    }.items():
        yield f"regions {name}", regions(rois)


def _series():
    """Frames that may each be shown, and that do not go together."""
    wide, high = plain((1, 100_000), np.uint8), plain((100_000, 1), np.uint8)
    yield "planes wide and high", [image(wide, position={"z": 1}), image(high, position={"z": 2})]
    yield "a diagonal through z and t", [image(plain(), position={"z": n, "t": n}) for n in range(40)]
    yield (
        "a diagonal through all axes",
        [image(plain(), position={f"p{axis}": n for axis in range(16)}) for n in range(4)],
    )
    yield "a step to the end of an axis", [image(plain(), position={"z": z}) for z in (0, 2**63 - 1)]
    yield "numbers, then texts", [image(plain(), position={"well": well}) for well in (1, "1", "A01", "")]
    yield "other axes", [image(plain(), position={axis: 1}) for axis in ("z", "t", "well")]
    yield "an image, then a stack", [image(plain()), image(plain((2, 4, 6))), image(plain())]
    yield "pixels, then none", [image(plain()), image(np.zeros((0, 6), np.uint16)), image(plain())]
    yield "other pixels", [image(extremes(dtype), path="odd") for dtype in DTYPES]
    yield (
        "colours, then grays",
        [
            image(plain((2, 2, 3), np.uint8), axes=("y", "x", "rgb")),
            image(plain(dtype=np.uint8)),
        ],
    )
    yield (
        "an image, labels, points and regions of one layer",
        [
            image(plain()),
            image(plain(), role="labels"),
            points(plain((3, 2), float)),
            regions(),
            points(plain((3, 3), float), ("z", "y", "x")),
            regions([]),
        ],
    )
    yield (
        "points of other features",
        [
            points(plain((3, 2), float), features={name: np.arange(3)}, path="odd")
            for name in ("a", "b", "path")
        ],
    )
    yield "points that get lost", [points(np.full((3, 2), value), path="odd") for value in (1, np.nan, 2)]
    yield "a million planes", [image(np.zeros((10**6, 1, 1), np.uint8))]
    yield "a thousand stacks", [image(np.zeros((*(2,) * 10, 4, 4), np.uint8))]
    yield (
        "contrast to and fro",
        [
            image(plain(dtype=np.float32), contrast=limits, contrast_given=given, path="odd")
            for limits in ((0.0, 1.0), (-1e300, 1e300), (3.0, 3.0))
            for given in (True, False)
        ],
    )


CONTENTS = {
    name: content if isinstance(content, list) else [content]
    for group in (_images, _axes, _looks, _points, _regions, _series)
    for name, content in group()
}
"""All of them, by what is odd about them: the frames of each."""
