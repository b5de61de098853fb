"""The file manager: routing each call to the one backend that was named."""

from polystore_core.manager._manager import FileManager
from polystore_core.manager._namespace import IMAGE_EXTENSIONS

__all__ = ["IMAGE_EXTENSIONS", "FileManager"]
