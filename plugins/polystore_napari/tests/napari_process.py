"""A napari in a process of its own; see ``display_process``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from display_process import DisplayProcess, Driver, drive

if TYPE_CHECKING:
    from pathlib import Path


class NapariProcess(DisplayProcess):
    """The test's end."""

    def __init__(self, screen: str | None, home: Path, **variables: str) -> None:
        own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
        super().__init__(__file__, screen, variables={**own, **variables})

    def layer(self, name: str) -> dict[str, Any]:
        """Return the description of one layer."""
        return next(layer for layer in self.call("layers") if layer["name"] == name)

    def python(self, statements: str, **names: Any) -> Any:
        """Run statements beside the ``viewer``, as the user's hands; return what they call ``answer``."""
        return self.call("execute", statements, names)


class NapariDriver(Driver):
    """The host behind napari."""

    own = ("execute",)

    def execute(self, statements: str, names: dict[str, Any]) -> Any:
        """Run statements."""
        import numpy

        space = {"viewer": self.display._window.viewer, "display": self.display, "np": numpy, **names}
        exec(statements, space)
        return space.get("answer")


if __name__ == "__main__":
    from polystore_napari._display import NapariDisplay

    drive(NapariDriver, NapariDisplay, "PolyStore test")
