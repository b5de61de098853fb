"""Finding the format of a path by its suffix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polystore_core._suggest import did_you_mean, listed
from polystore_core.data._kinds import kind_of
from polystore_core.errors import PluginError, UnsupportedData
from polystore_core.plugins._discovery import FORMATS, Plugin, discover, load_plugin, only_claimant

if TYPE_CHECKING:
    from polystore_core.data import Data, DataKind
    from polystore_core.formats._format import Format

__all__ = ["FormatRegistry"]


class FormatRegistry:
    """The installed file formats, each imported when a path first needs it.

    Examples
    --------
    >>> from polystore_core.formats import FormatRegistry
    >>> formats = FormatRegistry()
    >>> formats.suffix_of("plate/A01.ome.tif"), formats.suffix_of("notes")
    ('.ome.tif', None)
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Format] = {}
        self._found: dict[str, tuple[Plugin, ...]] | None = None

    @property
    def _installed(self) -> dict[str, tuple[Plugin, ...]]:
        """Found once, without the lock of a ``cached_property``: a forked child would wait for its owner."""
        if self._found is None:
            self._found = {suffix.lower(): claimants for suffix, claimants in discover(FORMATS).items()}
        return self._found

    def suffixes(self, kind: str | None = None) -> tuple[str, ...]:
        """Return the known suffixes, sorted; with ``kind`` those that hold that kind of data."""
        return tuple(
            suffix
            for suffix, (plugin, *_) in sorted(self._installed.items())
            if kind is None or kind in plugin.capabilities
        )

    def suffix_of(self, path: str) -> str | None:
        """Return the longest known suffix that the path ends in, whatever its case."""
        name = path.rpartition("/")[2].lower()
        position = name.find(".")
        while position >= 0:
            if name[position:] in self._installed:
                return name[position:]
            position = name.find(".", position + 1)
        return None

    def of(self, path: str) -> tuple[str, Format]:
        """Return the suffix of a path and the format that reads and writes it.

        Raises
        ------
        UnsupportedData
            If no known suffix fits; the message lists those there are.
        PluginError
            If two distributions claim the suffix, or the format cannot be imported.
        """
        suffix = self.suffix_of(path)
        if suffix is None:
            name = path.rpartition("/")[2]
            given = name[name.rfind(".") :] if "." in name else ""
            said = f"no format for the suffix {given!r}" if given else "no suffix says the format"
            raise UnsupportedData(
                f"{said} of {path!r}; known: {listed(self.suffixes())}.{did_you_mean(given, self.suffixes())}"
            )
        return suffix, self._format(suffix)

    def check_kind(self, kind: str, suffix: str) -> None:
        """Refuse data of a kind that the format of ``suffix`` does not hold.

        Raises
        ------
        UnsupportedData
            Naming the kinds it holds and the suffixes that would do.
        """
        holds = self._installed[suffix][0].capabilities
        if kind not in holds:
            is_list = kind == "json" and "array" in holds
            hint = ". numpy.array(values) makes an array of a list" if is_list else ""
            raise UnsupportedData(
                f"{suffix!r} holds {listed(holds)}, not {kind}; "
                f"formats for {kind}: {listed(self.suffixes(kind))}{hint}"
            )

    def check_data(self, data: Data, suffix: str) -> DataKind:
        """Refuse a value that the format of ``suffix`` does not hold; an empty list is also one of no ROIs.

        Returns
        -------
        str
            The kind of data it is, as :func:`~polystore_core.data.kind_of` names it.

        Raises
        ------
        UnsupportedData
            As :meth:`check_kind`.
        """
        kind, holds = kind_of(data), self._installed[suffix][0].capabilities
        if kind not in holds:
            if type(data) is list and not data and "rois" in holds:
                return "rois"
            self.check_kind(kind, suffix)
        return kind

    def _format(self, suffix: str) -> Format:
        loaded = self._loaded.get(suffix)
        if loaded is None:
            plugin = only_claimant("format", self._installed[suffix])
            factory = load_plugin(plugin)
            if not callable(factory):
                raise PluginError(f"format {plugin} must name a class; got {type(factory).__name__}")
            loaded = self._loaded[suffix] = factory()
        return loaded
