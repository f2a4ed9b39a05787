"""Several scenes of one data set as one."""

from pathlib import Path

import fakes
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats import seven_scenes
from hinted_posenet.data.splits import split_scenes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fakes.write_seven_scenes(tmp_path, "chess", frames=2)
    fakes.write_seven_scenes(tmp_path, "fire", frames=3)
    return tmp_path


def test_names_and_sequences_carry_their_scene(root: Path) -> None:
    splits = split_scenes(seven_scenes.read_views, root, "chess+fire")
    assert {split: len(views) for split, views in splits.views.items()} == {
        "train": 10,
        "val": 5,
        "test": 5,
    }
    for view in (view for views in splits.views.values() for view in views):
        scene = ["chess", "fire"][view.scene]
        assert view.name.startswith(f"{scene}/seq-") and view.sequence.startswith(f"{scene}/seq-")
        assert view.tags == {"scene": scene} and scene in view.image.parts
    assert splits.counts == {
        "chess": {"train": 6, "val": 0, "test": 2},
        "fire": {"train": 9, "val": 0, "test": 3},
    }


def test_one_scene_keeps_its_names(root: Path) -> None:
    view = split_scenes(seven_scenes.read_views, root, "chess").views["test"][0]
    assert (view.scene, view.name, view.tags) == (0, "seq-03/frame-000007.color.png", {})


def test_validation_and_exclusion_name_the_scene(root: Path) -> None:
    bad = "fire/seq-01/frame-000007.color.png"
    (root / "chess" / "exclude.txt").write_text("seq-01/frame-000010.color.png # blurred\n")
    splits = split_scenes(
        seven_scenes.read_views, root, "chess+fire", ["fire/seq-12"], exclude=[bad]
    )
    held_out = {view.sequence for view in splits.views["val"]}
    assert "fire/seq-12" in held_out and len(held_out) == 2
    assert splits.excluded == {
        "chess/seq-01/frame-000010.color.png": "blurred",
        bad: "data.exclude",
    }
    with pytest.raises(InputError, match="write SCENE/seq-12"):
        split_scenes(seven_scenes.read_views, root, "chess+fire", ["seq-12"])
    with pytest.raises(InputError, match="names a scene twice"):
        split_scenes(seven_scenes.read_views, root, "fire+fire")
