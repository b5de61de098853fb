"""The file manager: routing each call to the one backend that was named."""

from polystore_core.manager._manager import IMAGE_EXTENSIONS, FileManager

__all__ = ["IMAGE_EXTENSIONS", "FileManager"]
