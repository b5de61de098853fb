"""The engine zarrs, to bare zarr-python and to tensorstore: images of a camera, compressed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import tensorstore
import zarr
from zarr.codecs import BloscCodec, ZstdCodec

from benchmarks._compare import Case, ratio
from benchmarks._images import field_images
from polystore import BackendRegistry, FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Image = np.ndarray[Any, Any]

_FASTER = ratio(1 / 1.5)
_AS_FAST = ratio(1 / 0.9)


class Layout(NamedTuple):
    """How an array is cut and compressed."""

    name: str
    compression: Any
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None


def cases(folder: Path, *, quick: bool) -> Iterator[Case]:
    """Yield save and load with both engines, and with tensorstore, of planes, tiles and shards."""
    side = 64 if quick else 1024
    images = np.stack(field_images(8, side))
    tile = side // 4
    for compression in ("blosc", "zstd"):
        for layout in (
            Layout("planes", compression, (1, side, side)),
            Layout("tiles", compression, (1, tile, tile)),
            Layout("shards", compression, (1, tile, tile), (8, side, side)),
        ):
            yield from _cases(folder / f"{compression} {layout.name}", images, layout)


def _cases(folder: Path, images: Image, layout: Layout) -> Iterator[Case]:
    fm = FileManager(BackendRegistry({"zarr": {"root": folder}}))
    options: dict[str, Any] = {
        "compression": layout.compression,
        "chunks": layout.chunks,
        "shards": layout.shards,
    }

    def save(engine: str) -> None:
        fm.save(images, engine, backend="zarr", engine=engine, **options)

    def load(engine: str) -> Any:
        return fm.load("zarrs", backend="zarr", engine=engine)

    def remove() -> None:
        for name in ("zarrs", "zarr-python", "bare", "tensorstore"):
            shutil.rmtree(folder / name, ignore_errors=True)

    def same(*_: object) -> bool:
        return all(
            np.array_equal(np.asarray(zarr.open_array(path, mode="r")[...]), images)
            for path in folder.iterdir()
            if path.is_dir()
        )

    name = folder.name
    save("zarrs")
    peer = _Peer(folder, images, layout)
    yield Case(
        f"{name} save, zarrs to zarr-python", lambda: save("zarrs"), peer.save_bare, _FASTER, same, remove
    )
    yield Case(
        f"{name} save, zarrs to tensorstore",
        lambda: save("zarrs"),
        peer.save_tensorstore,
        _AS_FAST,
        same,
        remove,
    )
    remove()
    save("zarrs")
    yield Case(f"{name} load, zarrs to zarr-python", lambda: load("zarrs"), peer.load_bare, _FASTER)
    yield Case(f"{name} load, zarrs to tensorstore", lambda: load("zarrs"), peer.load_tensorstore, _AS_FAST)


class _Peer:
    """The same array, by zarr-python alone and by tensorstore."""

    def __init__(self, folder: Path, images: Image, layout: Layout) -> None:
        self._folder = folder
        self._images = images
        self._layout = layout
        self._metadata = zarr.open_array(folder / "zarrs", mode="r").metadata.to_dict()

    def save_bare(self) -> None:
        """Write by zarr-python."""
        codec: Any = ZstdCodec(level=1)
        if self._layout.compression == "blosc":
            codec = BloscCodec(cname="lz4", shuffle="bitshuffle", typesize=2)
        stored = zarr.create_array(
            self._folder / "bare",
            shape=self._images.shape,
            dtype=self._images.dtype,
            chunks=self._layout.chunks,
            shards=self._layout.shards,
            compressors=codec,
            fill_value=0,
            config={"write_empty_chunks": True},
        )
        stored[...] = self._images

    def load_bare(self) -> Any:
        """Read by zarr-python."""
        return np.asarray(zarr.open_array(self._folder / "zarrs", mode="r")[...])

    def save_tensorstore(self) -> None:
        """Write by tensorstore, with the very same document."""
        wanted = {
            key: self._metadata[key] for key in ("shape", "data_type", "chunk_grid", "codecs", "fill_value")
        }
        stored = tensorstore.open(
            {
                **self._spec("tensorstore"),
                "metadata": wanted,
                "create": True,
                "store_data_equal_to_fill_value": True,
            }
        ).result()
        stored.write(self._images).result()

    def load_tensorstore(self) -> Any:
        """Read by tensorstore."""
        return np.asarray(tensorstore.open({**self._spec("zarrs"), "open": True}).result().read().result())

    def _spec(self, name: str) -> dict[str, Any]:
        return {"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{self._folder / name}/"}}
