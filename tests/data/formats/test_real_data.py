from functools import partial
from pathlib import Path

import pytest

from hinted_posenet.core.geometry import rotate
from hinted_posenet.core.types import Fault
from hinted_posenet.data.formats import cambridge, seven_scenes
from hinted_posenet.data.splits import split_views

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize(
    ("scene", "train", "test"),
    [("GreatCourt", 1532, 760), ("KingsCollege", 1220, 343), ("ShopFacade", 231, 103)],
)
def test_cambridge_label_counts(real_data: Path, scene: str, train: int, test: int) -> None:
    for split, count in (("train", train), ("test", test)):
        faults: list[Fault] = []
        read = partial(cambridge.read_views, faults=faults, focal_px=1670)
        views = read(real_data / "cambridge_labels", scene, split)
        assert len(views) + len(faults) == count
        far = "seq5/frame00297.png"  # 3.36 million km away
        assert [fault.name for fault in faults] == [far] * (
            (scene, split) == ("GreatCourt", "train")
        )
        assert max(view.rotation_error for view in views) < 1e-3


def test_cambridge_cameras_look_level(real_data: Path) -> None:
    # filmed walking, in a world with z up: by the right convention image "down" is world -z
    root = real_data / "cambridge_labels"
    q = cambridge.read_views(root, "KingsCollege", "train", focal_px=1670)[0].T_world_cam.q
    assert rotate(q, q.new_tensor([0.0, 1.0, 0.0]))[2] < -0.9


def test_red_kitchen(real_data: Path) -> None:
    splits = split_views(seven_scenes.read_views, real_data / "seven_scenes", "redkitchen").views
    assert {name: len(views) for name, views in splits.items()} == {
        "train": 350,
        "val": 50,
        "test": 100,
    }
    first = seven_scenes.read_views(real_data / "seven_scenes", "redkitchen", "train")[0]
    assert first.name == "seq-01/frame-000000.color.jpg"
    assert first.T_world_cam.t.tolist() == pytest.approx([-0.34045634, 0.01646982, 0.29656917])
