"""What the backend of a viewer is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - annotations of options are checked
from typing import TYPE_CHECKING, Any, ClassVar

from polystore_core import InvalidOption, UnsupportedOperation, hookimpl
from polystore_core.paths import PathPattern  # noqa: TC001
from polystore_core.plugins import check_options
from polystore_streaming.sender import (
    Blending,
    Kind,
    Policy,
    Stream,
    ViewerAddress,
    ViewerSink,
    prepare,
    targets,
)

if TYPE_CHECKING:
    from polystore_core.data import Data
    from polystore_core.plugins import StreamRequest, WriteRequest

__all__ = ["ViewerBackend"]

_MEBIBYTE = 1024 * 1024


class ViewerBackend:
    """A backend that shows what is saved in a live viewer; subclass it to add a viewer.

    A save copies the frame into memory that the viewer reads, and returns: whether the viewer is slow,
    stopped, gone or not there yet makes no difference to the pipeline. What does not fit into ``max_bytes``
    is dropped by the policy, and counted. The last state of each path is kept, as long as there is room, for
    a viewer that comes late or comes back.

    Parameters
    ----------
    viewers
        Which viewers to send to: one or several of the name of a viewer of this machine (by default the kind
        itself), ``"tcp://HOST:PORT"``, or ``{"endpoint": ..., "token": ..., "server_key": ...}``.
    max_bytes
        Memory for frames that wait, travel or are kept, used as it is needed; by default 192 MiB.
    autostart
        Whether the first save starts a viewer that does not run.
    linger
        Seconds to wait at exit for a viewer that is still starting.
    display
        Options of the display, for a viewer that is started; see the viewer's plugin.

    Attributes
    ----------
    viewer
        Kind of the viewer, such as ``"napari"``.
    display_class
        ``"module:class"`` of its :class:`~polystore_streaming.viewer.Display`, imported by the viewer alone.

    Examples
    --------
    >>> from polystore_streaming import ViewerBackend
    >>> class NapariBackend(ViewerBackend):
    ...     viewer = "napari"
    ...     display_class = "polystore_napari.display:NapariDisplay"
    """

    viewer: ClassVar[str]
    display_class: ClassVar[str]

    def __init__(
        self,
        *,
        viewers: ViewerAddress | Sequence[ViewerAddress] | None = None,
        max_bytes: int = 192 * _MEBIBYTE,
        autostart: bool = True,
        linger: float = 60.0,
        display: Mapping[str, Any] | None = None,
    ) -> None:
        if max_bytes < _MEBIBYTE:
            raise InvalidOption(f"max_bytes takes at least {_MEBIBYTE} bytes; got {max_bytes}")
        self._stream = Stream(
            f"{self.viewer}_stream",
            targets(self.viewer, viewers),
            max_bytes=max_bytes,
            autostart=autostart,
            linger=linger,
            display_options=display or {},
        )

    @hookimpl
    def polystore_write(self, request: WriteRequest) -> list[int]:
        """Queue every value for the viewers; return the bytes of each frame."""
        if not request.overwrite:
            raise UnsupportedOperation(
                f"backend '{self.viewer}_stream' cannot tell whether a path exists; leave out overwrite=False"
            )
        paths, data, options = request.paths, request.data, request.options
        self._check(options)
        return request.batch.run(
            paths, lambda index: self._show(data[index], paths[index], **options), parallel=False
        )

    @hookimpl
    def polystore_stream(self, request: StreamRequest) -> ViewerSink:
        """Open a sink; the options of the stream hold for every append."""
        self._check(request.options)
        return ViewerSink(
            self._stream,
            self._append,
            request.options,
            policy=request.options.get("policy", "latest"),
            timeout=request.options.get("timeout", 5.0),
        )

    @hookimpl
    def polystore_flush(self, timeout: float | None) -> int:
        """Wait until the viewers have taken everything."""
        return self._stream.flush(timeout)

    @hookimpl
    def polystore_metrics(self) -> dict[str, dict[str, Any]]:
        """Return state and counts per viewer."""
        return self._stream.metrics()

    @hookimpl
    def polystore_close(self) -> None:
        """Say goodbye to the viewers, after a bounded wait for what has not arrived."""
        self._stream.linger()

    def _append(self, data: Data, path: str, options: Mapping[str, Any]) -> int:
        self._check(options)
        return self._show(data, path, **options)

    def _check(self, options: Mapping[str, Any]) -> None:
        check_options(self._show, options, owner=f"backend '{self.viewer}_stream'")

    def _show(
        self,
        data: Data,
        path: str,
        *,
        kind: Kind | None = None,
        layer: str | None = None,
        pattern: str | PathPattern | None = None,
        axes: str | Sequence[str] | None = None,
        scale: float | Sequence[float] | None = None,
        unit: str | None = None,
        channel_names: Mapping[Any, str] | None = None,
        colormap: str | Mapping[Any, str] | None = None,
        blending: Blending | None = None,
        contrast: tuple[float, float] | None = None,
        point_size: float | None = None,
        policy: Policy = "latest",
        timeout: float = 5.0,
    ) -> int:
        prepared = prepare(
            data,
            path,
            kind=kind,
            layer=layer,
            pattern=pattern,
            axes=axes,
            scale=scale,
            unit=unit,
            channel_names=channel_names,
            colormap=colormap,
            blending=blending,
            contrast=contrast,
            point_size=point_size,
        )
        return self._stream.append(prepared, policy, timeout)
