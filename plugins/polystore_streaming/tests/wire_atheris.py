"""The coverage-guided fuzzer, run as a script: input is cut into messages for a viewer and for a sender.

Its options are those of libFuzzer. It says how many messages were taken and how much memory that took.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["polystore_streaming"]):
    from wire_fuzzing import FROM_SENDER, FROM_VIEWER, FuzzedViewer, ask_viewer, valid_second_parts

_WARM = 500
_REPORT = 1000


class Fuzzer:
    """What is kept from one input to the next."""

    def __init__(self):
        self.viewer = FuzzedViewer()
        self.answers = 0
        self.inputs = 0
        self.warm = 0.0

    def take(self, data):
        """Take one input."""
        self.inputs += 1
        source = atheris.FuzzedDataProvider(data)
        for _ in range(source.ConsumeIntInRange(2, 12)):
            if source.ConsumeIntInRange(0, 7):
                header = self._header(source, FROM_SENDER)
                second = self._second(source) if source.ConsumeIntInRange(0, 2) == 0 else ()
                self.viewer.hear(source.ConsumeIntInRange(0, 2), header, *second)
            else:
                ask_viewer(self._header(source, FROM_VIEWER), b"".join(self._second(source)))
                self.answers += 1
        self.viewer.rest()
        if self.inputs == _WARM:
            self.warm = mebibytes("VmRSS")
        if self.inputs % _REPORT == 0:
            messages, grown = self.viewer.frames + self.answers, mebibytes("VmRSS") - self.warm
            print(
                f"{messages} messages, {grown:.1f} MiB grown, {mebibytes('VmHWM'):.0f} MiB at most",
                flush=True,
            )

    def _header(self, source, honest):
        """An honest header, a damaged one, or any bytes."""
        kind = source.ConsumeIntInRange(0, 3)
        if kind == 0:
            return source.ConsumeBytes(source.ConsumeIntInRange(0, 200))
        header = bytearray(honest[source.ConsumeIntInRange(0, len(honest) - 1)])
        for _ in range(kind - 1):
            begin = source.ConsumeIntInRange(0, len(header))
            count = source.ConsumeIntInRange(0, 4)
            header[begin : begin + count] = source.ConsumeBytes(source.ConsumeIntInRange(0, 9))
        return bytes(header)

    def _second(self, source):
        ready = valid_second_parts()
        chosen = source.ConsumeIntInRange(0, len(ready))
        if chosen < len(ready):
            return (ready[chosen],)
        return (source.ConsumeBytes(source.ConsumeIntInRange(0, 60)),)


def mebibytes(field):
    """Memory of this process: ``VmRSS`` now, ``VmHWM`` at most until now."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024


if __name__ == "__main__":
    atheris.Setup(sys.argv, Fuzzer().take)
    atheris.Fuzz()
