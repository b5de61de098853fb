"""Run in a process with the preloaded object: write durably, and record the system calls.

``python faults_record.py FOLDER RECORD COUNT``; a mark ``channel * 10000 + number`` tells what is acknowledged.
"""

from __future__ import annotations

import os
import sys

from faults_injector import Injector
from faults_writers import write_durably

CHANNEL = 10_000

if __name__ == "__main__":
    folder, record, count = sys.argv[1:]
    injector = Injector()
    injector.record_to(os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    write_durably(
        lambda channel, number: injector.mark(channel * CHANNEL + number),
        folder,
        "durable",
        range(1, int(count) + 1),
    )
