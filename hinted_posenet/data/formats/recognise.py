"""Recognise the layout of a folder by the files in it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_text, reading
from hinted_posenet.data.formats import (
    ace,
    aerial,
    anyvisloc,
    cambridge,
    colmap,
    csv_frames,
    kapture,
    listed,
    llff,
    ortholoc,
    polycam,
    record3d,
    seven_scenes,
    transforms,
    tum,
    twelve_scenes,
    uav_visloc,
)
from hinted_posenet.data.formats.colmap_folders import has_model, is_model, largest_model
from hinted_posenet.data.formats.layout import SPLITS, ReadViews
from hinted_posenet.data.formats.notes import collected_notes

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
    with reading(path):
        folder, is_there = Path(os.path.realpath(path)), path.exists()  # resolve() raises on a loop
    if not is_there:
        raise InputError(f"{path}: no such folder; check the path")
    for inside in ([folder], folder.glob("*/"), folder.glob("*/*/")):
        if scenes := [scene for inner in sorted(inside) if (scene := _at(inner))]:
            return scenes
    for above in folder.parents[:UPWARDS]:
        if scene := _at(above):
            return [scene]
    for inside in ([folder], folder.glob("*/")):  # as hloc writes models, without their images
        if bare := [inner for inner in sorted(inside) if is_model(inner)]:
            return [_recognised(COLMAP, inner) for inner in bare]
    layouts = ", ".join(layout.name for layout in LAYOUTS)
    raise InputError(f"{path}: no data set of a known layout ({layouts}); see {CARD}")


def _at(folder: Path) -> Recognised | None:
    for layout in LAYOUTS:
        if layout.is_here(folder):
            return _recognised(layout, folder)
    return None


def _recognised(layout: _Layout, folder: Path) -> Recognised:
    root = folder.parents[layout.depth - 1]
    scene = folder.relative_to(root).as_posix()
    return Recognised(layout.name, layout.read_views, root, scene, layout.splits(folder))


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).exists() for name in names)


def _is_record3d(folder: Path) -> bool:
    return _has(*record3d.MARKERS)(folder) and _has(*record3d.IMAGES)(folder)


def _is_aerial(folder: Path) -> bool:
    path = folder / "manifest.json"
    return path.is_file() and aerial.FORMAT in _text(path)


def _beside_model(folder: Path) -> tuple[str, ...]:
    with collected_notes():  # the reader says it
        model = largest_model(folder)
    return listed.splits(model) if model else ("all",)


def _in_csv(folder: Path) -> tuple[str, ...]:
    header, _, _ = _text(folder / csv_frames.FILE).partition("\n")
    return SPLITS if "split" in (name.strip(' "') for name in header.split(",")) else ("all",)


def _text(path: Path) -> str:
    """Return the text of a file, none if it cannot be read: whoever reads its labels says why."""
    try:
        return read_text(path)
    except InputError:
        return ""


PUBLISHED = ("train", "test")
TRANSFORMS = (transforms.FILE, *transforms.SPLIT_FILES.values())
COLMAP = _Layout("colmap", has_model, colmap.read_views, _beside_model)
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
    _Layout("ortholoc", _has(*ortholoc.MARKERS), ortholoc.read_views, lambda _: SPLITS),
    _Layout("anyvisloc", _has(*anyvisloc.MARKERS), anyvisloc.read_views, listed.splits),
    _Layout("uav_visloc", uav_visloc.is_scene, uav_visloc.read_views, listed.splits),
    _Layout("transforms", _has(*TRANSFORMS), transforms.read_views, transforms.splits_of),
    COLMAP,
    _Layout("tum", _has("rgb.txt"), tum.read_views, listed.splits),
    _Layout("ace", _has(*ace.MARKERS), ace.read_views, lambda _: PUBLISHED),
    _Layout("llff", _has(llff.FILE), llff.read_views, listed.splits),
    _Layout("kapture", _has(kapture.MARKER), kapture.read_views, listed.splits),
    _Layout("polycam", _has(*polycam.MARKERS), polycam.read_views, listed.splits),
    _Layout("record3d", _is_record3d, record3d.read_views, listed.splits),
    _Layout("csv", _has(csv_frames.FILE), csv_frames.read_views, _in_csv),
)
