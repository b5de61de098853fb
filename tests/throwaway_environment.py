"""A virtual environment for packages of other authors."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import textwrap
import venv
from pathlib import Path

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "1.2.3"

[project.entry-points."{group}"]
{name} = "{reference}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""


class Environment:
    """A virtual environment that sees what the tests run on, and has packages of its own besides."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=False)
        self.python = folder / "venv" / "bin" / "python"
        site = sysconfig.get_path("purelib", vars={"base": str(folder / "venv")})
        ours = sysconfig.get_path("purelib")
        Path(site, "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")

    def install(self, distribution: str, source: str, *, group: str, name: str, reference: str) -> None:
        """Make a package of one module with one entry point, and install it."""
        package = self.folder / distribution
        module = reference.partition(":")[0]
        (package / module).mkdir(parents=True)
        (package / module / "__init__.py").write_text(source)
        (package / "pyproject.toml").write_text(
            PYPROJECT.format(
                distribution=distribution, group=group, name=name, reference=reference, module=module
            )
        )
        self.install_package(package)

    def install_package(self, package: Path) -> None:
        """Install the package of a folder."""
        pip = [sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet"]
        options = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
        subprocess.run([*pip, *options, str(package)], check=True, capture_output=True)

    def run(self, script: str, **variables: str) -> str:
        """Run a script in the environment and return what it printed."""
        return self.run_python("-c", textwrap.dedent(script), **variables)

    def run_python(self, *arguments: str, **variables: str) -> str:
        """Run python in the environment with these arguments and return what it printed."""
        finished = subprocess.run(
            [self.python, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, **variables},
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout
