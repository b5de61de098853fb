"""Viewer processes: where they are found, and starting one."""

from polystore_streaming.processes._launch import ALREADY_RUNS, LaunchedViewer, launch, viewer_command
from polystore_streaming.processes._records import (
    ViewerRecord,
    is_running,
    read_record,
    running_viewers,
    write_record,
)
from polystore_streaming.processes._runtime import RuntimeFiles, runtime_directory

__all__ = [
    "ALREADY_RUNS",
    "LaunchedViewer",
    "RuntimeFiles",
    "ViewerRecord",
    "is_running",
    "launch",
    "read_record",
    "running_viewers",
    "runtime_directory",
    "viewer_command",
    "write_record",
]
