"""An S3 server on loopback, in a process of its own: that of moto, one request at a time.

One at a time, so that a conditional PUT is atomic, as it is in S3; moto looks and then writes.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

BUCKET = "polystore-tests"


class S3(NamedTuple):
    """A running server with one bucket."""

    endpoint: str

    @property
    def options(self) -> dict[str, Any]:
        """What obstore needs to reach it."""
        return {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": "test",
            "secret_access_key": "test",
            "client_options": {"allow_http": True},
        }

    def store(self, prefix: str = "") -> Any:
        """Open the bucket, or what is below a prefix of it, by obstore alone."""
        from obstore.store import S3Store

        return S3Store(BUCKET, prefix=prefix or None, **self.options)


@contextlib.contextmanager
def running() -> Iterator[S3]:
    """Start a server on a free port, and stop it at the end."""
    import boto3  # type: ignore[import-untyped]

    process = subprocess.Popen(
        [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the server did not start"
        server = S3(f"http://127.0.0.1:{port}")
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield server
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def main() -> None:
    """Serve until the process is killed, or whoever started it is gone."""
    import os
    import threading

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app))
    print(server.server_port, flush=True)

    def leave_with_parent() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=leave_with_parent, daemon=True).start()
    server.serve_forever()


if __name__ == "__main__":
    main()
