"""The sink of a live viewer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from polystore_core.data import normalize
from polystore_core.errors import InvalidOption
from polystore_core.files import atomic_writer
from polystore_core.formats import FormatRegistry
from polystore_core.paths import normalize_path
from polystore_streaming.sender._answers import layers_in, pixels_in, tables_in
from polystore_streaming.wire import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from polystore_core.data import SupportedData
    from polystore_streaming.sender._frames import Policy
    from polystore_streaming.sender._stream import Stream

__all__ = ["ViewerSink"]


class ViewerSink:
    """Where a producer appends what a live viewer shows, and asks the viewer about it.

    Made by ``fm.stream(backend="napari_stream", **options)``; a context manager that closes it at its
    end. All methods may be called from several threads. Questions are answered by the first viewer, after
    everything appended before has been shown.

    Parameters
    ----------
    stream
        What the sinks of one backend share.
    append
        Takes a value, a normalised path and options.
    options
        Options of every append, unless the append says otherwise.
    policy, timeout
        As for a save to this backend; ``timeout``, in seconds, also bounds how long :meth:`close` waits.
    """

    def __init__(
        self,
        stream: Stream,
        append: Callable[[Any, str, Mapping[str, Any]], int],
        options: Mapping[str, Any],
        *,
        policy: Policy,
        timeout: float,
    ) -> None:
        self._stream = stream
        self._append = append
        self._options = dict(options)
        self._policy: Policy = policy
        self._timeout = timeout
        self._closed = False

    def append(self, data: SupportedData, path: str | os.PathLike[str], **options: Any) -> None:
        """Queue one value for the viewers; it is copied before this returns, unless it is from ``allocate``.

        Parameters
        ----------
        data
            As for a save to this backend.
        path
            Names the layer, or its place in one.
        **options
            As for a save to this backend.
        """
        if self._closed:
            raise InvalidOption("this sink was closed; open another one by fm.stream(...)")
        self._append(normalize(data), normalize_path(path), {**self._options, **options})

    def allocate(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
        """Return an array to write a frame into that is then appended without any copy.

        Parameters
        ----------
        shape
            Of the array.
        dtype
            One that viewers show.

        Returns
        -------
        numpy.ndarray
            Uninitialised, C order, in memory that viewers read. Once it is appended it is read-only, and its
            content may change at any time after: let it go.

        Raises
        ------
        StorageFull
            If there is no room.
        """
        return self._stream.allocate(  # type: ignore[no-any-return]
            tuple(map(int, shape)), np.dtype(dtype), self._policy, self._timeout
        )

    def flush(self, timeout: float | None = None) -> int:
        """Wait up to ``timeout`` seconds until the viewers have taken everything; return how many frames not.

        Raises
        ------
        ViewerUnreachable
            If frames wait for a viewer that does not run and is not being started.
        """
        return self._stream.flush(timeout)

    def check(self) -> None:
        """Raise what went wrong at the viewers, if anything did.

        Raises
        ------
        ViewerUnreachable
            If a viewer cannot be reached; the message says why and what to type.
        UnsupportedData
            If a viewer refused something.
        """
        self._stream.check()

    def metrics(self) -> dict[str, dict[str, Any]]:
        """Return state and counts per viewer; the same as ``fm.metrics()`` has for this backend."""
        return self._stream.metrics()

    def layers(self, *, timeout: float = 30.0) -> list[dict[str, Any]]:
        """Describe the layers of the viewer, those made by the user included.

        Returns
        -------
        list of dict
            Each with ``name``, ``kind`` and ``visible``; images with ``shape`` and ``contrast`` too.
        """
        value, _ = self._ask(timeout, what="layers")
        return layers_in(value)

    def status(self, *, timeout: float = 30.0) -> dict[str, Any]:
        """Tell how the viewer is doing.

        Returns
        -------
        dict
            Counts of frames: ``received``, ``shown``, ``superseded``, ``refused``, and ``dropped`` by the
            senders; ``latency``, seconds from the save to the paint of the latest frame, ``None`` before the
            first; the numbers of ``senders`` and of ``paints``.
        """
        value, _ = self._ask(timeout, what="status")
        return dict(value)

    def pixels(
        self, layer: str, position: Mapping[str, int | str] | None = None, *, timeout: float = 30.0
    ) -> np.ndarray[Any, Any]:
        """Return the pixels that the viewer holds in a layer, at one position of it; a read-only copy."""
        _, arrays = self._ask(timeout, what="pixels", layer=layer, position=dict(position or {}))
        return pixels_in(arrays)

    def rois(self, *, timeout: float = 30.0) -> dict[str, list[Any]]:
        """Return the regions and points on the screen by layer, those drawn by the user included."""
        from polystore_roi import rois_from_table

        tables = tables_in(*self._ask(timeout, what="rois"))
        return {layer: rois_from_table(table) for layer, table in tables.items()}

    def screenshot(
        self, path: str | os.PathLike[str] | None = None, *, timeout: float = 30.0
    ) -> np.ndarray[Any, Any]:
        """Return what the user sees, and write it to an image file.

        Parameters
        ----------
        path
            Where to, on disk; its suffix says the format (``.png``, ``.tif``). ``None`` writes nothing.
        timeout
            Seconds to wait for the viewer.

        Returns
        -------
        numpy.ndarray
            uint8 (Y, X, 3).
        """
        _, arrays = self._ask(timeout, what="screenshot")
        pixels = pixels_in(arrays)
        if path is not None:
            _, image_format = FormatRegistry().of(os.fspath(path))
            with atomic_writer(path) as file:
                image_format.encode(pixels, file, threads=1)
        return pixels

    def remove(self, layer: str, *, timeout: float = 30.0) -> None:
        """Remove a layer; one that is not there is no error."""
        self._ask(timeout, what="remove", layer=layer)

    def open_stored(
        self, path: str | os.PathLike[str], backend: str, *, timeout: float = 60.0, **options: Any
    ) -> None:
        """Have the viewer read and show what another backend has stored, lazily where it can.

        Parameters
        ----------
        path
            Where it is stored.
        backend
            Name of the backend that the viewer shall read it with; a memory store is this process's own.
        timeout
            Seconds to wait for the viewer.
        **options
            Of the load; JSON values.
        """
        self._ask(
            timeout,
            what="open",
            path=os.fspath(path),
            backend=backend,
            options=msgspec.Raw(msgspec.msgpack.encode(options)),
        )

    def close_viewer(self, *, timeout: float = 30.0) -> None:
        """Close the window, and with it the viewer's process."""
        self._ask(timeout, what="close")

    def close(self) -> None:
        """Wait for what has not arrived, as long as ``timeout`` says; appending afterwards is an error.

        A viewer that cannot be reached is no error here, unlike in :meth:`flush`: it is warned of, once.
        """
        if not self._closed:
            self._closed = True
            self._stream.settle(self._timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _ask(self, timeout: float, **question: Any) -> tuple[Any, dict[str, Any]]:
        return self._stream.ask(lambda number: Request(id=number, **question), timeout)
