"""The corner of the window that tells how the stream is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from polystore_streaming.viewer import Status

__all__ = ["StatusPanel", "position_text", "status_text"]


class StatusPanel:
    """A dock widget of one line: where the sliders stand, and how the stream is doing."""

    def __init__(self, viewer: Any) -> None:
        from qtpy.QtWidgets import QLabel

        self._label = QLabel()
        self._label.setContentsMargins(6, 2, 6, 2)
        self._label.setToolTip("Where the sliders stand, and how frames arrive from PolyStore")
        self._position = ""
        self._stream = status_text(None)
        self._render()
        dock = viewer.window.add_dock_widget(self._label, name="PolyStore", area="bottom")
        dock.setObjectName("polystore_stream")

    def show_position(self, position: Mapping[str, int | str]) -> None:
        """Show the values that the sliders stand for."""
        self._position = position_text(position)
        self._render()

    def show_status(self, status: Status) -> None:
        """Show how the stream is doing."""
        self._stream = status_text(status)
        self._render()

    @property
    def text(self) -> str:
        """What it says now."""
        return str(self._label.text())

    def _render(self) -> None:
        self._label.setText("    ".join(part for part in (self._position, self._stream) if part))


def position_text(position: Mapping[str, int | str]) -> str:
    """Write a position.

    Examples
    --------
    >>> position_text({"well": "B03", "field": 2})
    'well B03, field 2'
    """
    return ", ".join(f"{axis} {value}" for axis, value in position.items())


def status_text(status: Status | None) -> str:
    """Write how the stream is doing.

    Examples
    --------
    >>> from polystore_streaming.viewer import Status
    >>> status_text(Status(received=12, shown=9, superseded=3, dropped=2, latency=0.0312, senders=1))
    '9 shown, 3 superseded, 2 dropped, 31 ms, 1 sender'
    """
    if status is None:
        return "waiting for the first frame"
    parts = [f"{status.shown} shown"]
    parts += [f"{status.superseded} superseded"] if status.superseded else []
    parts += [f"{status.refused} refused"] if status.refused else []
    parts += [f"{status.dropped} dropped"]
    parts += [f"{1000 * status.latency:.0f} ms"] if status.latency is not None else []
    parts += [f"{status.senders} sender{'' if status.senders == 1 else 's'}"]
    return ", ".join(parts)
