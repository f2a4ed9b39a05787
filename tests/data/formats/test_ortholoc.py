"""OrthoLoC: its sets, the map of a frame, and what is wrong on disk."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import surveys
from layouts import assert_says

from hinted_posenet.core.types import Fault, View
from hinted_posenet.data.formats import ortholoc
from hinted_posenet.data.formats.scene_map import scene_map


def test_the_sets_domains_and_places_of_ortholoc(tmp_path: Path) -> None:
    surveys.write_ortholoc(tmp_path, frames=2)
    tags = [view.tags for view in ortholoc.read_views(tmp_path, "full", "test")]
    assert tags == [
        {"place": "L08", "set": "test_inPlace", "map": "same"},
        {"place": "L08", "set": "test_outPlace", "map": "other map"},
    ]
    train = ortholoc.read_views(tmp_path, "full", "train")
    assert [view.sequence for view in train] == ["L01", "L01", "L02", "L02"]
    assert train[0].name == "train/L01_R0000.png" and train[0].image.name == "L01_R0000.npz"
    chosen = ortholoc.read_views(tmp_path, "full", "train", location="L02")
    assert [view.name for view in chosen] == [view.name for view in train[2:]]
    assert ortholoc.read_views(tmp_path, "full", "val", location="L02") == []
    refined = ortholoc.read_views(tmp_path, "full", "train", refined=True)[0]
    moved = refined.T_world_cam.t - train[0].T_world_cam.t
    assert float(moved.norm()) == pytest.approx(0.25 * 3**0.5)


def test_what_is_wrong_with_a_frame_is_one_line(tmp_path: Path) -> None:
    folder = surveys.write_ortholoc(tmp_path, frames=1)
    path = folder / "train" / "L01_R0000.npz"
    good = path.read_bytes()

    def read(faults: list[Fault] | None = None) -> list[View]:
        return ortholoc.read_views(tmp_path, "full", "train", faults=faults)

    cases: list[tuple[dict[str, np.ndarray | None], str]] = [
        ({"extrinsics": None}, "has no array extrinsics"),
        ({"extrinsics": np.full((3, 4), np.nan)}, "extrinsics: expected finite numbers"),
        ({"extrinsics": np.zeros((3, 4))}, "not a rotation"),
        ({"extrinsics": np.zeros((2, 4))}, "expected numbers (3, 4)"),
        ({"intrinsics": np.eye(3)}, "focal length 1 1 px"),
        ({"image_query": None}, "has no image"),
        ({"image_query": np.zeros((48, 64))}, "expected an image, uint8"),
    ]
    for arrays, words in cases:
        path.write_bytes(good)
        surveys.rewrite(path, **arrays)
        assert_says(read, str(path), words)
        faults: list[Fault] = []
        assert len(read(faults)) == 1 and len(faults) == 1


def test_the_map_of_a_frame_lies_where_its_pixels_say(tmp_path: Path) -> None:
    folder = surveys.write_ortholoc(tmp_path, frames=1)
    name = "test_inPlace/L08_R3000.png"
    found = scene_map(folder, tmp_path / "maps", frame=name)
    with rasterio.open(found.photos[0]) as file:
        assert tuple(file.bounds) == (-5, -5, 7, 7)
        assert file.read()[:, 0, 0].tolist() == [255, 0, 0]
    with rasterio.open(found.dem[0]) as file:
        assert tuple(file.bounds) == (-5, -5, 7, 7)
        assert np.array_equal(file.read(1), surveys.map_heights(), equal_nan=True)
    assert_says(lambda: scene_map(folder, tmp_path), "each frame has its own map")
    path = folder / "test_inPlace/L08_R3000.npz"
    with np.load(path) as arrays:
        points = arrays["dsm"]
    surveys.rewrite(path, dsm=points[::-1])
    assert_says(lambda: ortholoc.sample_map(path), "of no map with x to the right and y up")
    surveys.rewrite(path, dsm=points[:5])
    assert_says(lambda: ortholoc.sample_map(path), "expected uint8 and the same shape")
    surveys.rewrite(path, dsm=None)
    assert_says(lambda: ortholoc.sample_map(path), "expected an array dsm (H, W, 3)")


def test_a_folder_without_a_map_is_told(tmp_path: Path) -> None:
    assert_says(lambda: scene_map(tmp_path, tmp_path), "no scene of a data set with a map")
