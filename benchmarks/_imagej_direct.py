"""ImageJ in a process of its own, updated directly: what a script does that holds Java and pixels together.

Reads a line from standard input for each frame, brings the frame to the screen, and writes a line.
"""

from __future__ import annotations

import sys

import jpype
import numpy as np

from polystore_fiji import DisplayOptions

_FRAMES = 8


def main(size: int) -> None:
    """Show frames of ``size`` x ``size`` pixels, uint16, until the input ends."""
    jpype.startJVM("-Xrs", classpath=[DisplayOptions().jar])
    jpype.JClass("ij.ImageJ")(jpype.JClass("ij.ImageJ").EMBEDDED)
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 4096, (size, size), dtype=np.uint16) for _ in range(_FRAMES)]
    pixels = jpype.JArray(jpype.JShort)(size * size)
    imp = jpype.JClass("ij.ImagePlus")(
        "direct", jpype.JClass("ij.process.ShortProcessor")(size, size, pixels, None)
    )
    imp.setDisplayRange(0, 4095)
    imp.show()
    order = jpype.JClass("java.nio.ByteOrder").nativeOrder()
    toolkit = jpype.JClass("java.awt.Toolkit").getDefaultToolkit()

    def paint() -> None:
        canvas = imp.getCanvas()
        graphics = canvas.getGraphics()
        canvas.paint(graphics)
        graphics.dispose()
        toolkit.sync()

    painting = jpype.JProxy("java.lang.Runnable", dict={"run": paint})
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin):
        frame = memoryview(frames[number % _FRAMES].data).cast("B")
        jpype.nio.convertToDirectBuffer(frame).order(order).asShortBuffer().get(pixels)
        imp.updateAndDraw()
        jpype.JClass("java.awt.EventQueue").invokeAndWait(painting)
        print("painted", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
