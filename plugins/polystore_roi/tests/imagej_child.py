"""Runs the real ImageJ in a process of its own, since a Java machine starts once in a process.

Reads one JSON command a line from the standard input and answers with one line of JSON:

``["encode", [content, ...]]``
    Decodes each base64 content of a .roi file by ImageJ's RoiDecoder, and encodes it by its RoiEncoder.
``["move", content]``
    The same for one content, moved 3 pixels to the right and 1 down.
``["make", path]``
    Draws regions of every kind, and saves them by the ROI Manager. Returns what ImageJ says of each.
``["open", path]``
    Opens an archive by the ROI Manager. Returns what ImageJ says of each region.
"""

import base64
import json
import os
import sys

import jpype

JAR = "/usr/share/java/ij.jar"


def told(roi):
    """What ImageJ says of a region; coordinates are x before y."""
    points = roi.getFloatPolygon()
    bounds = roi.getFloatBounds()
    return {
        "type": str(roi.getTypeAsString()),
        "name": None if roi.getName() is None else str(roi.getName()),
        "bounds": [bounds.getX(), bounds.getY(), bounds.getWidth(), bounds.getHeight()],
        "points": [[float(points.xpoints[i]), float(points.ypoints[i])] for i in range(points.npoints)],
        "pixels": len(roi.getContainedPoints()) if roi.isArea() else None,
        "position": [roi.getCPosition(), roi.getZPosition(), roi.getTPosition(), roi.getPosition()],
        "stroke": None if roi.getStrokeColor() is None else int(roi.getStrokeColor().getRGB()) & 0xFFFFFFFF,
        "properties": None if roi.getProperties() is None else str(roi.getProperties()),
    }


def encode(contents):
    return [_encoded(_decoded(content)) for content in contents]


def move(content):
    roi = _decoded(content)
    bounds = roi.getBounds()
    roi.setLocation(bounds.x + 3, bounds.y + 1)
    return _encoded(roi)


def _decoded(content):
    numbers = list(_signed(base64.b64decode(content)))
    return jpype.JClass("ij.io.RoiDecoder").openFromByteArray(jpype.JArray(jpype.JByte)(numbers))


def _encoded(roi):
    content = bytes(jpype.JClass("ij.io.RoiEncoder").saveAsByteArray(roi))
    return base64.b64encode(content).decode()


def _signed(content):
    return (byte - 256 if byte > 127 else byte for byte in content)


def make(path):
    gui = jpype.JPackage("ij").gui
    floats = jpype.JArray(jpype.JFloat)
    whole = jpype.JArray(jpype.JInt)
    kinds = gui.Roi
    ring = gui.ShapeRoi(gui.Roi(10, 10, 40, 30)).not_(gui.ShapeRoi(gui.OvalRoi(20, 15, 10, 10)))
    drawn = {
        "rectangle": gui.Roi(5, 6, 20, 10),
        "fine rectangle": gui.Roi(5.25, 6.5, 20.75, 10.5),
        "oval": gui.OvalRoi(3, 4, 15, 9),
        "line": gui.Line(1.5, 2.5, 30.25, 40.75),
        "freehand": gui.PolygonRoi(floats([1.5, 9.5, 5.25]), floats([2, 3, 11]), 3, kinds.FREEROI),
        "polygon": gui.PolygonRoi(whole([1, 9, 5]), whole([2, 3, 11]), 3, kinds.POLYGON),
        "polyline": gui.PolygonRoi(floats([1, 9, 5]), floats([2, 3, 11]), 3, kinds.POLYLINE),
        "angle": gui.PolygonRoi(whole([1, 9, 5]), whole([2, 3, 11]), 3, kinds.ANGLE),
        "rotated rectangle": gui.RotatedRectRoi(10, 20, 50, 60, 12),
        "ellipse": gui.EllipseRoi(10, 20, 50, 60, 0.5),
        "composite": ring,
        "points": gui.PointRoi(floats([3, 7.5]), floats([4, 8.25]), 2),
        "text": gui.TextRoi(12, 13, "two\nlines"),
        "turned text": gui.TextRoi(12, 13, "turned"),
        "arrow": gui.Arrow(1, 2, 30, 40),
        "on z 3": gui.Roi(1, 1, 2, 2),
        "in stack": gui.Roi(1, 1, 2, 2),
    }
    drawn["turned text"].setAngle(30)
    drawn["on z 3"].setPosition(2, 3, 5)
    drawn["in stack"].setPosition(7)
    drawn["rectangle"].setStrokeColor(jpype.JClass("java.awt.Color")(255, 128, 0))
    drawn["rectangle"].setStrokeWidth(3)
    drawn["rectangle"].setProperty("well", "A01")
    drawn["oval"].setFillColor(jpype.JClass("java.awt.Color")(0, 0, 255, 64))
    manager = _manager()
    for name, roi in drawn.items():
        roi.setName(name)
        manager.addRoi(roi)
    assert manager.save(path)
    return [told(roi) for roi in drawn.values()]


def open_(path):
    manager = _manager()
    manager.open(path)
    return [told(roi) for roi in manager.getRoisAsArray()]


def _manager():
    manager = jpype.JClass("ij.plugin.frame.RoiManager")(False)
    manager.reset()
    return manager


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Java prints is no answer
    jpype.startJVM("-Xrs", classpath=[JAR])
    commands = {"encode": encode, "move": move, "make": make, "open": open_}
    for line in sys.stdin:
        command, argument = json.loads(line)
        print(json.dumps(commands[command](argument)), file=answers, flush=True)


if __name__ == "__main__":
    main()
