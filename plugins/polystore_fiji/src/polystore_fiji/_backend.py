"""Backend ``fiji_stream``. Imports neither Java nor pyimagej: those belong to the viewer's process."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - annotations of options are checked
from typing import Any

from polystore_fiji._options import read_options
from polystore_streaming import ViewerBackend

__all__ = ["FijiStreamBackend"]


class FijiStreamBackend(ViewerBackend):
    """What is saved to it appears in Fiji / ImageJ, which is started when the first frame is.

    Parameters
    ----------
    display
        How ImageJ is started and what gets a window of its own: see :class:`DisplayOptions`.
    **configuration
        As for every :class:`~polystore_streaming.ViewerBackend`.
    """

    viewer = "fiji"
    display_class = "polystore_fiji._display:FijiDisplay"

    def __init__(self, *, display: Mapping[str, Any] | None = None, **configuration: Any) -> None:
        read_options(display or {})
        super().__init__(display=display, **configuration)
