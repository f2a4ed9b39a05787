"""Every reader survives broken files: it returns sound views, or one line that says what is wrong.

The fast suite tries EXAMPLES of each reader with seeds that never change; the slow one tries SLOW_EXAMPLES by
hypothesis, which shrinks what fails (FUZZ_EXAMPLES=10000 tries more, `pytest -s` prints the counts). An example
breaks one file of a valid data set and reads a split, either stopping at the first fault or collecting them.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random

import fakes
import pytest
import torch
from hostile import examples, mutated, mutations, survives
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from layouts import READERS

from hinted_posenet.core.limits import COORDINATE_M
from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import aerial, colmap, seven_scenes

EXAMPLES, SLOW_EXAMPLES = examples(200), examples(400)


def write_sfm(root: Path, frames: int) -> None:
    fakes.write_seven_scenes(root, frames=frames)
    fakes.write_sfm_poses(root)


CASES = {
    **READERS,
    "seven_scenes_sfm": (
        write_sfm,
        partial(seven_scenes.read_views, ground_truth="sfm"),
        "redkitchen",
    ),
    "aerial_priors": (partial(fakes.write_aerial, priors=True), aerial.read_views, "prairie"),
    "colmap_binary": (partial(fakes.write_colmap, binary=True), colmap.read_views, "tower"),
}
IMAGES = (".png", ".jpg", ".JPG", ".jpeg")


class Fuzzed:
    """A valid data set, one of whose files is broken for each reading."""

    def __init__(self, root: Path, dataset: str) -> None:
        write, self.read_views, self.scene = CASES[dataset]
        write(root, frames=1)
        self.root = root
        self.files = {
            path.relative_to(root): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and path.suffix not in IMAGES
        }
        self.answers: Counter[str] = Counter()

    def try_broken(self, file: Path, content: bytes, split: str, collect: bool) -> None:
        """Read a split with one file broken, and check what comes of it."""
        path = self.root / file
        path.write_bytes(content)
        try:
            self.try_read(split, collect)
        finally:
            path.write_bytes(self.files[file])

    def try_read(self, split: str, collect: bool) -> None:
        faults: list[Fault] | None = [] if collect else None
        views = survives(partial(self.read_views, self.root, self.scene, split, faults=faults))
        check_views(views or [])
        for fault in faults or []:
            assert len(fault.message.splitlines()) == 1, repr(fault.message)
        self.answers["refused" if views is None else "with faults" if faults else "read"] += 1


def check_views(views: list[View]) -> None:
    """Check what a view promises, whatever the files were."""
    names = [view.name for view in views]
    assert len(set(names)) == len(names), "a name is there twice"
    for view in views:
        assert len(view.name.splitlines()) == 1 and "\0" not in view.name, repr(view.name)
        t, q = view.T_world_cam
        assert t.isfinite().all() and float(t.abs().max()) <= COORDINATE_M, f"{view.where}: t = {t}"
        assert q.isfinite().all() and abs(float(q.norm()) - 1) < 1e-9, f"{view.where}: q = {q}"
        (fx, *skew), (zero, fy, _), last = view.K.tolist()
        assert view.K.isfinite().all() and min(fx, fy) > 0, f"{view.where}: K = {view.K}"
        assert [skew[0], zero, *last] == [0, 0, 0, 0, 1], f"{view.where}: K = {view.K}"
        assert torch.tensor(view.distortion, dtype=torch.float64).isfinite().all(), view.where
        assert view.size is None or min(view.size) > 0, f"{view.where}: size {view.size}"


@pytest.fixture
def fuzzed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fuzzed]:
    found = Fuzzed(tmp_path, request.param)
    yield found
    print(f"{request.param}: {dict(found.answers)}")  # pytest -s shows it


SPLITS = ("train", "test", "all")  # "all" is refused by layouts that have splits of their own


@pytest.mark.parametrize("fuzzed", CASES, indirect=True)
def test_every_reader_survives_broken_files(fuzzed: Fuzzed) -> None:
    files = list(fuzzed.files)
    for seed in range(EXAMPLES):
        rng = Random(seed)
        file, split, collect = rng.choice(files), SPLITS[seed % 3], rng.random() < 0.5
        content = mutated(fuzzed.files[file], rng)
        try:
            fuzzed.try_broken(file, content, split, collect)
        except Exception as error:
            raise AssertionError(f"seed {seed}, {split}, {file}: {content[:3000]!r}") from error


NO_FILES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("fuzzed", CASES, indirect=True)
def test_every_reader_survives_what_is_no_file(fuzzed: Fuzzed) -> None:
    first = {(file.parent, file.suffix): file for file in reversed(list(fuzzed.files))}
    for file in first.values():
        path = fuzzed.root / file
        for kind, make in NO_FILES.items():
            path.unlink()
            make(path)
            try:
                for split in SPLITS:
                    fuzzed.try_read(split, collect=split == "test")
            except Exception as error:
                raise AssertionError(f"{kind} in place of {file}") from error
            if path.is_dir():
                path.rmdir()
            path.unlink(missing_ok=True)
            path.write_bytes(fuzzed.files[file])


@pytest.mark.slow
@pytest.mark.parametrize("fuzzed", CASES, indirect=True)
def test_every_reader_survives_many_broken_files(fuzzed: Fuzzed) -> None:
    @settings(
        max_examples=SLOW_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data(), st.sampled_from(list(fuzzed.files)), st.sampled_from(SPLITS), st.booleans())
    def property_test(data: st.DataObject, file: Path, split: str, collect: bool) -> None:
        fuzzed.try_broken(file, data.draw(mutations(fuzzed.files[file])), split, collect)

    property_test()
