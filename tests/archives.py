"""Fake archives of the true structure."""

import hashlib
import io
import zipfile
from pathlib import Path

from hinted_posenet.data.dataset_card import Archive, DatasetCard, SceneCard, read_dataset_card


def zipped(folder: Path, top: str = "", kind: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of what is in a folder, with entries for folders, as published archives have them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, Path(top) / path.relative_to(folder))
    return content.getvalue()


def zip_of(**files: bytes | str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for name, text in files.items():
            file.writestr(name, text)
    return content.getvalue()


def seven_scenes_zip(scene: Path) -> bytes:
    """A zip of each sequence beside the split files; Thumbs.db as in the published ones."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(f"{scene.name}/", "")
        for path in sorted(scene.iterdir()):
            if path.is_dir():
                (path / "Thumbs.db").write_bytes(b"of a desktop")
                file.writestr(f"{scene.name}/{path.name}.zip", zipped(path, path.name))
            else:
                file.write(path, f"{scene.name}/{path.name}")
    return content.getvalue()


def archive_of(content: bytes, *urls: str, known: bool = False) -> Archive:
    """An archive for a card, named like the last part of its address."""
    name = urls[0].rpartition("/")[2]
    checksum = hashlib.sha256(content).hexdigest()
    return Archive(name, urls, len(content) if known else None, checksum if known else None)


def card_with(name: str, scenes: dict[str, tuple[dict[str, int], Archive]]) -> DatasetCard:
    """The card of a data set, with other scenes."""
    cards = {
        scene: SceneCard(frames, {}, (archive,), "") for scene, (frames, archive) in scenes.items()
    }
    return read_dataset_card(name)._replace(scenes=cards)
