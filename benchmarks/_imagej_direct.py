"""ImageJ in a process of its own, updated directly: as a script does that holds Java and pixels."""

from __future__ import annotations

import sys

import jpype

from benchmarks._on_screen import frames
from polystore_fiji import DisplayOptions


def main(size: int) -> None:
    """Copy the next frame into the window's pixels for each line of standard input, until it ends."""
    jpype.startJVM("-Xrs", classpath=[DisplayOptions().jar])
    jpype.JClass("ij.ImageJ")(jpype.JClass("ij.ImageJ").EMBEDDED)
    images = frames(size)
    pixels = jpype.JArray(jpype.JShort)(size * size)
    imp = jpype.JClass("ij.ImagePlus")(
        "direct", jpype.JClass("ij.process.ShortProcessor")(size, size, pixels, None)
    )
    imp.setDisplayRange(0, 4095)
    imp.show()
    order = jpype.JClass("java.nio.ByteOrder").nativeOrder()

    def update(number: int) -> None:
        frame = memoryview(images[number % len(images)].data).cast("B")
        jpype.nio.convertToDirectBuffer(frame).order(order).asShortBuffer().get(pixels)
        imp.updateAndDraw()

    update(0)
    print("ready", flush=True)
    for number, _ in enumerate(sys.stdin, 1):
        update(number)


if __name__ == "__main__":
    main(int(sys.argv[1]))
