"""A frame in an .npz file: the image in it is read alone, and a hostile file is refused."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from layouts import assert_says

from hinted_posenet.data import npz
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.image_files import read_bytes, stored_size
from hinted_posenet.data.load_image import load_image

IMAGE = np.random.default_rng(0).integers(0, 255, (24, 40, 3), np.uint8)


def frame(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "L01_0001.npz"
    np.savez_compressed(path, **arrays)
    return path


def test_the_image_of_a_frame_is_read_without_its_other_arrays(tmp_path: Path) -> None:
    path = frame(tmp_path, image_query=IMAGE, image_dop=0 * IMAGE, point_map=np.zeros((500, 500)))
    assert stored_size(path) == (40, 24)
    assert np.array_equal(decoded(path), IMAGE)
    assert np.array_equal(load_image(path), IMAGE)
    assert len(read_bytes(path)) < IMAGE.nbytes + 200


def test_fortran_order_is_kept(tmp_path: Path) -> None:
    path = frame(tmp_path, image=np.asfortranarray(IMAGE), K=np.eye(3))
    assert np.array_equal(decoded(path), IMAGE)
    values = np.arange(6.0).reshape(2, 3, order="F")
    found = npz.read_arrays(frame(tmp_path, image=IMAGE, K=values), ("K", "missing"))
    assert found.keys() == {"K"} and np.array_equal(found["K"], values)


def member(content: bytes, name: str = "image.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return npz.NPY + b"\x01\x00" + len(text).to_bytes(2, "little") + text + body


HUGE = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, %d, 3)}"
OBJECTS = "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a readable .npz file"),
        (b"PK\x03\x04 cut off", "not a readable .npz file"),
        (member(b"", "notes.txt"), "has no image (an array image_query or image)"),
        (member(b"no array"), "not a readable .npz file"),
        (member(npy(OBJECTS, b"cos\nsystem\n")), "holds Python objects"),
        (member(npy(HUGE % (10**9, 10**9))), "more than the 178 million pixels"),
        (member(npy(HUGE % (50, 50), b"short")), "cut off"),
        (member(npy(HUGE % (-5, 5))), "shape (-5, 5, 3) is none"),
        (member(npy(HUGE % (0, 5))), "an empty image"),
        (
            member(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9,)}")),
            "expected an image",
        ),
        (member(npy("__import__('os')")), "not a readable .npz file"),
    ],
)
def test_what_is_no_frame_is_told_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    assert_says(lambda: decoded(path), str(path), message)


def test_an_array_that_is_larger_than_allowed_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = frame(tmp_path, K=np.zeros(1000))
    monkeypatch.setattr(npz, "MOST_BYTES", 100)
    assert_says(lambda: npz.read_arrays(path, ("K",)), "more than the 0 MB that it may have")


def test_a_missing_frame_is_missing(tmp_path: Path) -> None:
    assert_says(lambda: stored_size(tmp_path / "no.npz"), "no.npz: missing")
