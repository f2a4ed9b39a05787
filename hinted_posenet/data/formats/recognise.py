"""Recognise the layout of a folder by the files in it."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats import (
    aerial,
    cambridge,
    colmap,
    csv_frames,
    seven_scenes,
    transforms,
    tum,
    twelve_scenes,
)
from hinted_posenet.data.formats.layout import SPLITS, ReadViews

CARD = "docs/formats.md"
UPWARDS = 4  # folders to climb from a folder inside a scene


class Recognised(NamedTuple):
    """A scene on disk, and how to read it."""

    layout: str
    read_views: ReadViews
    root: Path
    scene: str  # its folder is <root>/<scene>
    splits: tuple[str, ...]  # that it has; ("all",) where it has none of its own

    @property
    def folder(self) -> Path:
        """The folder of the scene."""
        return self.root / self.scene


class _Layout(NamedTuple):
    name: str
    is_here: Callable[[Path], bool]
    read_views: ReadViews
    splits: Callable[[Path], tuple[str, ...]]
    depth: int = 1  # folders of a scene's name


def recognise(path: Path) -> Recognised:
    """Find the one scene at a folder, or around it.

    Raises:
        InputError: There is none, or the folder holds several.
    """
    scenes = recognise_all(path)
    if len(scenes) > 1:
        names = ", ".join(found.scene for found in scenes[:10])
        raise InputError(f"{path}: holds {len(scenes)} scenes, expected one; name one of {names}")
    return scenes[0]


def recognise_all(path: Path) -> list[Recognised]:
    """Find the scene at a folder, or else every scene in it (or one folder deeper), or else the one around it.

    Raises:
        InputError: There is none.
    """
    folder = path.resolve()
    if not folder.exists():
        raise InputError(f"{path}: no such folder; check the path")
    for inside in ([folder], folder.glob("*/"), folder.glob("*/*/")):
        if scenes := [scene for inner in sorted(inside) if (scene := _at(inner))]:
            return scenes
    for above in folder.parents[:UPWARDS]:
        if scene := _at(above):
            return [scene]
    layouts = ", ".join(layout.name for layout in LAYOUTS)
    raise InputError(f"{path}: no data set of a known layout ({layouts}); see {CARD}")


def _at(folder: Path) -> Recognised | None:
    for layout in LAYOUTS:
        if layout.is_here(folder):
            root = folder.parents[layout.depth - 1]
            scene = folder.relative_to(root).as_posix()
            return Recognised(layout.name, layout.read_views, root, scene, layout.splits(folder))
    return None


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).is_file() for name in names)


def _is_aerial(folder: Path) -> bool:
    path = folder / "manifest.json"
    return path.is_file() and aerial.FORMAT in path.read_text(errors="replace")


def _listed(model: str) -> Callable[[Path], tuple[str, ...]]:
    """Return a function that finds the splits with a list of names beside the poses."""

    def splits(folder: Path) -> tuple[str, ...]:
        found = (split for split in SPLITS if (folder / model / f"{split}.txt").is_file())
        return tuple(found) or ("all",)

    return splits


def _in_transforms(folder: Path) -> tuple[str, ...]:
    text = (folder / transforms.FILE).read_text(encoding="utf-8", errors="replace")
    return tuple(split for split in SPLITS if f'"{split}_filenames"' in text) or ("all",)


def _in_csv(folder: Path) -> tuple[str, ...]:
    with (folder / csv_frames.FILE).open(encoding="utf-8", errors="replace") as file:
        return SPLITS if "split" in file.readline().strip().split(",") else ("all",)


PUBLISHED = ("train", "test")
COLMAP = ("sparse/0/images.bin", "sparse/0/images.txt")
LAYOUTS = (  # the most specific first, because aerial folders have a frames.csv too
    _Layout("aerial", _is_aerial, aerial.read_views, lambda _: SPLITS),
    _Layout(
        "cambridge", _has(*cambridge.LABELS.values()), cambridge.read_views, lambda _: PUBLISHED
    ),
    _Layout(
        "seven_scenes",
        _has(*seven_scenes.SPLITS.values()),
        seven_scenes.read_views,
        lambda _: PUBLISHED,
    ),
    _Layout(
        "twelve_scenes", _has("split.txt"), twelve_scenes.read_views, lambda _: PUBLISHED, depth=2
    ),
    _Layout("transforms", _has(transforms.FILE), transforms.read_views, _in_transforms),
    _Layout("colmap", _has(*COLMAP), colmap.read_views, _listed("sparse/0")),
    _Layout("tum", _has("rgb.txt"), tum.read_views, _listed("")),
    _Layout("csv", _has(csv_frames.FILE), csv_frames.read_views, _in_csv),
)
