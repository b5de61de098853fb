"""One process that merges metadata: ours or the neighbour's, whichever ``polystore`` its Python finds.

Run as a script. Each line of its input is a JSON object ``path``, ``name``, ``times``; for each it merges that
often into the entry of that name, and prints a JSON list of the seconds that each merge took.
"""

from __future__ import annotations

import json
import sys
import time

__all__: list[str] = []


def main() -> None:
    """Answer requests until there are no more."""
    from polystore import AtomicMetadataWriter

    writer = AtomicMetadataWriter(**json.loads(sys.argv[1]))
    print(json.dumps([]), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        seconds = []
        for index in range(request["times"]):
            entry = {request["name"]: {str(index): index}}
            begin = time.perf_counter()
            writer.merge_subdirectory_metadata(request["path"], entry)
            seconds.append(time.perf_counter() - begin)
        print(json.dumps(seconds), flush=True)


if __name__ == "__main__":
    main()
