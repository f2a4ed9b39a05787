"""What a run makes of the data on disk: faulty files, several scenes, crops, ground truths."""

import shutil
from pathlib import Path

import fakes
import pytest
import torch
from tiny import Workspace, config, results

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.run_files import read_runs
from hinted_posenet.inference.checkpoint import read_checkpoint
from hinted_posenet.inference.predict import predict
from hinted_posenet.inference.predict_settings import PredictSettings
from hinted_posenet.reports.compare import comparison
from hinted_posenet.training.run import read_scene
from hinted_posenet.training.scene import Scene


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def scene(place: Workspace, *overrides: str) -> Scene:
    return read_scene(config("train", *place.train_overrides(*overrides)))


FAULTS = {
    "cut off": lambda image: image.write_bytes(image.read_bytes()[:60]),
    "a page in place of an image": lambda image: image.write_text("<html>404</html>"),
    "missing": lambda image: image.unlink(),
    "another size": lambda image: fakes.draw(image, fakes.camera(0, 0), width=32),
    "pose not a number": lambda image: image.with_name(
        image.name.replace("color.png", "pose.txt")
    ).write_text("nan 0 0 0\n" * 4),
}


@pytest.mark.parametrize("sequence", ["seq-01", "seq-03"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_file_is_found_at_once_or_left_out(
    place: Workspace, fault: str, sequence: str
) -> None:
    """In a training sequence, and in the test sequence, which is answered last."""
    image = place.scene / sequence / "frame-000010.color.png"
    FAULTS[fault](image)
    with pytest.raises(InputError, match=f"{sequence}/frame-000010.*data.skip_faulty=true"):
        scene(place)
    found = scene(place, "data.skip_faulty=true")
    ((name, why),) = found.excluded.items()
    assert name == f"{sequence}/frame-000010.color.png" and "frame-000010" in why
    assert sum(map(len, found.views.values())) == 15


def test_training_stops_before_it_starts_or_names_what_it_left_out(place: Workspace) -> None:
    FAULTS["cut off"](place.scene / "seq-03" / "frame-000010.color.png")
    with pytest.raises(InputError, match="not a readable image, or cut off"):
        place.train()
    assert not (place.folder / "runs").exists()
    run = place.train("data.skip_faulty=true", "trainer.max_epochs=1")
    assert list(results(run)["excluded_frames"]) == ["seq-03/frame-000010.color.png"]
    assert ",seq-03/frame-000010" not in (run / "poses.csv").read_text()


def test_excluded_frames_are_named_in_results(place: Workspace) -> None:
    bad = "seq-03/frame-000007.color.png"
    (place.scene / "exclude.txt").write_text(f"{bad} # jumps 15 m\n")
    run = place.train("trainer.max_epochs=1", "data.exclude=[seq-02/frame-000007.color.png]")
    excluded = {"seq-02/frame-000007.color.png": "data.exclude", bad: "jumps 15 m"}
    assert results(run)["excluded_frames"] == excluded


def test_a_subset_of_a_published_scene_says_so(place: Workspace, caplog) -> None:
    scene(place)
    assert "redkitchen: 12 of 7000 train frames, 4 of 5000 test frames" in caplog.text
    run = place.train("trainer.max_epochs=1")
    assert "12 of 7000" in results(run)["card_notes"][0]


def test_images_are_decoded_once_for_all_runs(place: Workspace) -> None:
    first = scene(place).images("train")[3]
    for image in place.scene.rglob("*.png"):
        assert b"PNG" in image.read_bytes()[:8]
    again = scene(place)
    decoded = again.images("train").decoded
    assert decoded is not None and all(
        decoded.read(view) for views in again.views.values() for view in views
    )
    assert torch.equal(again.images("train")[3].query.image, first.query.image)
    whole = scene(place, "image_cache_gb=0").images("train")[3]
    assert torch.equal(whole.query.image, first.query.image)


@pytest.mark.slow
def test_decoding_processes_change_no_byte(place: Workspace) -> None:
    """Images that stream through a trained backbone, augmented."""
    streamed = ["method=posenet", "backbone.trainable=last", "trainer.max_epochs=1"]
    alone = place.train(*streamed, "name=alone")
    helped = place.train(*streamed, "name=helped", "workers=2")
    assert (helped / "poses.csv").read_bytes() == (alone / "poses.csv").read_bytes()


@pytest.mark.parametrize("trainable", ["none", "all"])
def test_several_scenes_train_one_network(place: Workspace, trainable: str) -> None:
    fakes.write_seven_scenes(place.folder / "data" / "seven_scenes", "chess", frames=2)
    few = ["trainer.max_epochs=1", f"backbone.trainable={trainable}"]
    run = place.train("data.scene=redkitchen+chess", *few)
    assert run.parent.parent.name == "redkitchen+chess"
    written = results(run)
    assert written["frames"] == {"train": 12, "val": 6, "test": 6}
    groups = {row["group"] for row in written["rows"]}
    assert {"scene redkitchen", "scene chess"} <= groups
    assert "\npass 1,chess/seq-03/" in (run / "poses.csv").read_text()
    names = [note.partition(":")[0] for note in written["card_notes"]]
    assert names == ["redkitchen", "chess"]


def test_queries_know_their_scene(place: Workspace) -> None:
    fakes.write_seven_scenes(place.folder / "data" / "seven_scenes", "chess", frames=2)
    images = scene(place, "data.scene=redkitchen+chess").images("train")
    batch = images.__getitems__([0, len(images) - 1])
    assert batch.query.scene.tolist() == [0, 1]
    assert [name.partition("/")[0] for name in batch.query.name] == ["redkitchen", "chess"]


@pytest.mark.parametrize("trainable", ["none", "all"])
def test_a_crop_is_the_middle_and_moves_its_intrinsics(place: Workspace, trainable: str) -> None:
    whole, cut = scene(place), scene(place, "data.crop=[48,32]")
    before, after = whole.images("val")[0].query, cut.images("val")[0].query
    assert torch.equal(after.image, before.image[:, 8:56, 16:48])
    assert (before.K - after.K).tolist() == [[0, 0, 16], [0, 0, 8], [0, 0, 0]]
    few = ["trainer.max_epochs=1", f"backbone.trainable={trainable}"]
    run = place.train("data.crop=[48,32]", *few)
    evaluated = place.evaluate(run, "again")
    assert results(evaluated)["rows"] == results(run)["rows"]
    with pytest.raises(InputError, match=r"crop=\[80, 32\]: larger than the image"):
        place.train("data.crop=[80,32]", "name=large")


def test_ground_truths_do_not_mix(place: Workspace) -> None:
    fakes.write_sfm_poses(place.folder / "data" / "seven_scenes")
    raw = place.train("trainer.max_epochs=1")
    sfm = place.train("trainer.max_epochs=1", "data.ground_truth=sfm", "name=on_sfm")
    assert results(raw)["data"]["ground_truth"] == "raw"
    assert results(sfm)["data"]["ground_truth"] == "sfm"
    with pytest.raises(InputError, match="compare runs of one scene, ground truth and split"):
        comparison(read_runs([raw, sfm]))
    with pytest.raises(InputError, match="'ground_truth': 'raw'"):
        place.evaluate(sfm, "hinted", "inference_hint=network", f"inference_hint.checkpoint={raw}")
    with pytest.raises(InputError, match=r"was started with data\.ground_truth=raw"):
        place.train("trainer.max_epochs=1", "data.ground_truth=sfm", "resume=true")


def test_a_checkpoint_predicts_with_the_crop_it_was_trained_with(place: Workspace) -> None:
    run = place.train("data.crop=[48,32]", "trainer.max_epochs=1")
    folder = place.folder / "photos"
    shutil.copytree(place.scene / "seq-03", folder)
    output = place.folder / "poses.txt"
    predict(PredictSettings(checkpoint=run, images=str(folder), out=output, accelerator="cpu"))
    assert len(output.read_text().splitlines()) == 5
    assert read_checkpoint(run).config["data"]["crop"] == [48, 32]
