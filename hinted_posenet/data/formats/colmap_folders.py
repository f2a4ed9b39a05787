"""Where people have their COLMAP models and the images of them."""

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats import colmap_binary, colmap_text
from hinted_posenet.data.formats.colmap_model import Row, image_path, readable_name
from hinted_posenet.data.formats.notes import collected_notes, note

MODELS = ("sparse/0", "sparse/*", "sparse", "colmap/sparse/*", "colmap/sparse")  # usual places
DEPTH, FOLDERS = 4, 1000  # levels below a scene, and folders on each, that are searched
NO_MODELS = ("images", "masks", "depth", "stereo")  # how folders begin that are not searched
SAMPLE = 20  # images that decide which folder is theirs
NAMED = 5  # models in a note


def is_model(folder: Path) -> bool:
    """Return whether a folder holds cameras and images, as text or binary."""
    return any(
        all((folder / f"{name}.{ending}").is_file() for name in ("cameras", "images"))
        for ending in ("bin", "txt")
    )


def has_model(folder: Path) -> bool:
    """Return whether a folder is a scene: a model is at a usual place, or images and somewhere a model."""
    usual = (inner for place in MODELS for inner in folder.glob(place))
    return any(map(is_model, usual)) or ((folder / "images").is_dir() and bool(find_models(folder)))


def find_models(scene: Path) -> list[Path]:
    """List the folders of models in a scene, the usual ones first."""
    usual = [inner for place in MODELS for inner in sorted(scene.glob(place)) if is_model(inner)]
    here = [scene] if is_model(scene) else []
    return list(dict.fromkeys([*usual, *here, *_below(scene)]))


def largest_model(scene: Path) -> Path | None:
    """Return the model of a scene that has lists of splits, or else most images; a note names the others."""
    models = find_models(scene)
    if len(models) < 2:
        return models[0] if models else None
    counts = {model: _count(model) for model in models}
    chosen = max(models, key=lambda model: ((model / "train.txt").is_file(), counts[model]))
    others = [
        f"{_name(model, scene)} ({count} images)"
        for model, count in counts.items()
        if model != chosen
    ]
    more = [f"{len(others) - NAMED} more"] if len(others) > NAMED else []
    note(
        f"{scene}: reads the model {_name(chosen, scene)} ({counts[chosen]} images), not "
        f"{', '.join([*others[:NAMED], *more])}; reader.model chooses another"
    )
    return chosen


def find_images(scene: Path, model: Path, rows: Sequence[Row]) -> Path:
    """Return the folder that the names of a model's images are relative to; scene/images where none has them."""
    sample = rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]
    above = [model, *(folder for folder in model.parents if folder.is_relative_to(scene))]
    folders = [folder / "images" for folder in above]
    folders += [scene, *_folders(scene), scene.parent / "images", scene.parent]
    best, most = scene / "images", 0
    for folder in folders:
        paths = (image_path(folder, row.stored, readable_name(row.stored)) for row in sample)
        found = sum(map(os.path.isfile, paths))  # no error of a name that is too long
        if found > most:
            best, most = folder, found
    return best


def _below(scene: Path) -> Iterator[Path]:
    """Yield the models in the folders below a scene, level by level; only so many, as a home has very many."""
    level = [scene]
    for _ in range(DEPTH):
        inside = (inner for folder in level for inner in _folders(folder))
        searched = (inner for inner in inside if not inner.name.startswith((".", *NO_MODELS)))
        level = list(islice(searched, FOLDERS))
        yield from filter(is_model, level)


def _folders(folder: Path) -> list[Path]:
    """List the folders in a folder, without following links."""
    with suppress(OSError), os.scandir(folder) as entries:
        return sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
    return []


def _count(model: Path) -> int:
    """Return how many images a model has; 0 if it cannot be read."""
    with suppress(InputError, OSError, struct.error):
        if (model / "images.bin").is_file():
            with (model / "images.bin").open("rb") as file:
                (count,) = colmap_binary.COUNT.unpack(file.read(colmap_binary.COUNT.size))
                size = os.fstat(file.fileno()).st_size
            return (
                int(count) if count * colmap_binary.IMAGE.size <= size else 0
            )  # else it is cut off
        with collected_notes():  # the model may not be the one that is read
            return sum(1 for _ in colmap_text.read_images(model / "images.txt"))
    return 0


def _name(model: Path, scene: Path) -> str:
    return model.relative_to(scene).as_posix()
