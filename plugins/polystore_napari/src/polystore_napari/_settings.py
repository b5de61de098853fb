"""The user's napari settings, read and never written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["adopt_settings"]


def adopt_settings() -> None:
    """Take over the user's napari settings for this process.

    Themes, shortcuts and the like come from the file that napari itself would read (``NAPARI_CONFIG`` names
    another one, or none if it is empty). What changes in this window, its size and position included, is not
    written back: a viewer that a pipeline starts leaves the user's own napari as it was.
    """
    from napari.settings import get_settings
    from napari.utils._base import _DEFAULT_CONFIG_PATH

    source = Path(os.environ.get("NAPARI_CONFIG", _DEFAULT_CONFIG_PATH) or os.devnull).expanduser()
    with tempfile.TemporaryDirectory(prefix="polystore-napari-") as folder:
        copy = Path(folder, source.name).with_suffix(source.suffix or ".yaml")
        if source.is_file():
            shutil.copyfile(source, copy)
        settings = get_settings(copy)
        settings.config_path = None
    settings.application.confirm_close_window = False
    settings.application.save_window_geometry = False
    settings.application.save_window_state = False
    settings.experimental.async_ = False
