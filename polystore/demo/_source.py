"""Which images the demonstration works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from polystore_core import BackendUnavailable, InvalidOption, PathNotFound, PathPattern

if TYPE_CHECKING:
    from polystore_core import FileManager
    from polystore_core.paths import Coordinates

__all__ = ["Source", "find_images", "require_extra", "shipped_images"]

SHIPPED = ("coins.png", "cell.png", "hubble_deep_field.jpg")
"""Images inside the wheel of scikit-image, bright objects on a dark ground."""


@dataclass(frozen=True)
class Source:
    """Images that lie on disk.

    Attributes
    ----------
    title
        Where they come from.
    paths
        One per image, in natural order.
    names
        For each image a name without extension, all different.
    pattern
        What their names tell; ``None`` if nothing.
    remarks
        What the user should know about the choice.
    """

    title: str
    paths: tuple[str, ...]
    names: tuple[str, ...]
    pattern: PathPattern | None = None
    remarks: tuple[str, ...] = ()

    def coordinates(self) -> list[Coordinates | None]:
        """Coordinates of each image; ``None`` without a pattern."""
        return [self.pattern.parse(path) if self.pattern else None for path in self.paths]


def require_extra() -> None:
    """Refuse to begin without what the demonstration computes and draws with.

    Raises
    ------
    BackendUnavailable
        With the line that installs it.
    """
    from importlib.util import find_spec

    missing = [module for module in ("numpy", "scipy", "skimage", "PIL") if find_spec(module) is None]
    if missing:
        raise BackendUnavailable(f'the demo needs {", ".join(missing)}; pip install "polystore[demo]"')


def shipped_images() -> Source:
    """Images that are part of scikit-image; nothing is downloaded."""
    from importlib.util import find_spec
    from pathlib import Path

    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise BackendUnavailable('the demo needs skimage; pip install "polystore[demo]"')
    folder = Path(spec.origin).parent / "data"
    paths = tuple((folder / name).as_posix() for name in SHIPPED)
    names = tuple(name.partition(".")[0] for name in SHIPPED)
    return Source("scikit-image", paths, names)


def find_images(fm: FileManager, folder: str, pattern: str | None, limit: int) -> Source:
    """Choose images of a folder on disk.

    Parameters
    ----------
    fm
        Whose backend ``disk`` is asked.
    folder
        Directory to look into; below it only if the pattern names directories.
    pattern
        Pattern or name of a preset; without it a preset that fits all names is taken, if there is one.
    limit
        How many images at most.

    Raises
    ------
    PathNotFound
        If there is no such folder, or no image in it that fits the pattern.
    """
    given = PathPattern.of(pattern) if pattern else None
    below = given is not None and "/" in given.text
    found = fm.list_image_files(folder, backend="disk", recursive=below)
    if not found:
        raise PathNotFound(
            f"no image files in {folder!r}; give a folder with .tif, .png, .jpg or .npy images"
        )
    fitting = [path for path in found if given is None or given.fits(path)]
    remarks = []
    if given is not None and not fitting:
        given.parse(found[0])
    if len(fitting) < len(found):
        remarks.append(f"{len(found) - len(fitting)} of {len(found)} images do not fit the pattern, left out")
    if len(fitting) > limit:
        remarks.append(f"the first {limit} of {len(fitting)} images; --limit takes more")
        fitting = fitting[:limit]
    chosen = given
    if chosen is None:
        try:
            chosen = PathPattern.detect(fitting)
        except InvalidOption:
            remarks.append(
                "no preset fits the names, so they carry no wells; --pattern says how to read them"
            )
    return Source(folder, tuple(fitting), _names(fitting, folder), chosen, tuple(remarks))


def _names(paths: list[str], folder: str) -> tuple[str, ...]:
    """Paths below the folder without extension; with it where two would be the same."""
    relative = [path[len(folder.rstrip("/")) :].lstrip("/") for path in paths]
    bare = [name.rpartition(".")[0] for name in relative]
    return tuple(relative if len(set(bare)) < len(bare) else bare)
