"""A copy of the checkout to run scripts in."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = Path(sys.prefix)


@dataclass(frozen=True)
class Checkout:
    """A folder with the files of the working tree."""

    folder: Path

    def run(self, script: str, *arguments: str, **environment: str) -> str:
        """Run a script that has to succeed; what it prints."""
        own = {"HINTED_POSENET_CACHE": f"{self.folder}/cache", "PYTHONPATH": str(self.folder)}
        result = subprocess.run(
            ["bash", f"scripts/{script}.sh", *arguments],
            cwd=self.folder,
            env={**os.environ, **own, **environment},
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
        return result.stdout

    def table(self, marker: str, page: str) -> str:
        """The generated table of a page."""
        text = (self.folder / page).read_text()
        return text.partition(f"<!-- begin {marker} -->")[2].partition(f"<!-- end {marker} -->")[0]

    def size(self, file: str) -> int:
        """Bytes of a file."""
        return (self.folder / file).stat().st_size


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """The files of the working tree, with this environment in place of a new one."""
    if not list(ENVIRONMENT.glob("installed-*")):
        pytest.skip("not in the .venv of scripts/setup.sh")
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    copy = tmp_path / "checkout"
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file() or (ROOT / name).is_symlink():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name, follow_symlinks=False)
    (copy / ".venv").symlink_to(ENVIRONMENT)
    return Checkout(copy)
