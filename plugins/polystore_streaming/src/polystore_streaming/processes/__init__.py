"""Viewer processes: where they are found, and starting one."""

from polystore_streaming.processes._alive import claim, is_running, let_go
from polystore_streaming.processes._launch import (
    ALREADY_RUNS,
    LaunchedViewer,
    last_words,
    launch,
    viewer_command,
)
from polystore_streaming.processes._priority import lower_priority, never_preempt
from polystore_streaming.processes._records import (
    ViewerRecord,
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
    "claim",
    "is_running",
    "last_words",
    "launch",
    "let_go",
    "lower_priority",
    "never_preempt",
    "read_record",
    "running_viewers",
    "runtime_directory",
    "viewer_command",
    "write_record",
]
