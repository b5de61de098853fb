"""Selecting names from a listing by glob, extension or pattern."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import translate
from typing import TYPE_CHECKING

from polystore_core.errors import InvalidOption
from polystore_core.paths._pattern import PathPattern

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["select_paths"]


def select_paths(
    paths: Iterable[str],
    *,
    pattern: str | PathPattern | None = None,
    extensions: str | Iterable[str] | None = None,
) -> list[str]:
    """Keep the paths that fit a pattern and have one of the extensions.

    Parameters
    ----------
    paths
        File names or paths relative to the listed directory, with ``/`` between components.
    pattern
        A glob with ``*``, ``?`` and ``[...]``, case-sensitive. Without ``/`` it must fit the file name, in
        whichever directory; with ``/`` it must fit the whole path, where ``*`` stays inside one component
        and ``**`` stands for any number of directories. A :class:`PathPattern` keeps what it matches.
    extensions
        One or several, in any letter case, with or without the leading dot: ``"tif"``, ``".roi.zip"``.

    Returns
    -------
    list of str
        What fits both, in the order of ``paths``.

    Raises
    ------
    InvalidOption
        If the pattern or an extension is of the wrong type or empty.

    Examples
    --------
    >>> from polystore_core.paths import select_paths
    >>> names = ["A01_w1.TIF", "A01_w2.tif", "rois/A01.roi.zip", "plate.HTD"]
    >>> select_paths(names, pattern="A01*", extensions=["tif", ".roi.zip"])
    ['A01_w1.TIF', 'A01_w2.tif', 'rois/A01.roi.zip']
    >>> select_paths(names, pattern="rois/*")
    ['rois/A01.roi.zip']
    """
    kept = list(paths)
    if extensions is not None:
        endings = _endings(extensions)
        bare = tuple("/" + ending for ending in endings)
        kept = [
            path
            for path in kept
            if (lower := path.lower()).endswith(endings) and not ("/" + lower).endswith(bare)
        ]
    if pattern is not None:
        fits = _matcher(pattern)
        kept = [path for path in kept if fits(path)]
    return kept


def _endings(extensions: str | Iterable[str]) -> tuple[str, ...]:
    alone = isinstance(extensions, str) or not isinstance(extensions, Iterable)
    given: tuple[object, ...] = (extensions,) if alone else tuple(extensions)
    endings = []
    for extension in given:
        if not isinstance(extension, str) or not extension.strip("."):
            raise InvalidOption(f"an extension is text such as 'tif' or '.roi.zip', not {extension!r}")
        endings.append("." + extension.lower().removeprefix("."))
    return tuple(endings)


def _matcher(pattern: str | PathPattern) -> Callable[[str], object]:
    if isinstance(pattern, PathPattern):
        return pattern.fits
    if not isinstance(pattern, str):
        raise InvalidOption(
            f"pattern= takes a glob such as '*.tif' or a PathPattern, not {type(pattern).__name__}"
        )
    if not pattern:
        raise InvalidOption("pattern= is empty; '*' selects every name, None does not select by name")
    if re.search(r"\{\w+(:\w+)?\}", pattern):
        raise InvalidOption(
            f"pattern={pattern!r} is a glob, in which braces mean nothing; pass PathPattern({pattern!r})"
        )
    if "/" not in pattern:
        fits = re.compile(translate(pattern)).match
        return lambda path: fits(path, path.rfind("/") + 1)
    matchers = [
        None if component == "**" else re.compile(translate(component)).match
        for component in pattern.strip("/").split("/")
    ]
    return lambda path: _fits_components(path.strip("/").split("/"), matchers)


def _fits_components(components: Sequence[str], matchers: Sequence[Callable[[str], object] | None]) -> bool:
    """Whether the components fit the matchers one by one; ``None`` stands for any number of components."""
    if not matchers:
        return not components
    first, *others = matchers
    if first is None:
        return any(_fits_components(components[start:], others) for start in range(len(components) + 1))
    return bool(components and first(components[0]) and _fits_components(components[1:], others))
