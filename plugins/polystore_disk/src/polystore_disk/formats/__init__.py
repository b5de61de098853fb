"""The file formats of the disk backend, each a :class:`~polystore_core.formats.Format`.

They are found through the entry-point group ``polystore.formats``; a further package adds a format
the same way. Each codec gives back exactly what it was given, or refuses it when it is saved.
"""

from polystore_disk.formats._csv import Csv
from polystore_disk.formats._jpeg import Jpeg
from polystore_disk.formats._json import Json
from polystore_disk.formats._npy import Npy
from polystore_disk.formats._npz import Npz
from polystore_disk.formats._png import Png
from polystore_disk.formats._raw import Raw
from polystore_disk.formats._text import Text
from polystore_disk.formats._tiff import OmeTiff, Tiff

__all__ = ["Csv", "Jpeg", "Json", "Npy", "Npz", "OmeTiff", "Png", "Raw", "Text", "Tiff"]
