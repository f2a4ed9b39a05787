"""Whole runs on a few small images, through the configs of the command line."""

import shutil
from pathlib import Path

import pytest
import torch
from tiny import (
    Workspace,
    config,
    cut_power_at_epoch,
    equal_states,
    history,
    poses,
    results,
    weights,
)

from hinted_posenet.core.errors import InputError
from hinted_posenet.evaluation.poses_file import read_poses_file
from hinted_posenet.inference.predict import predict
from hinted_posenet.inference.predict_settings import PredictSettings
from hinted_posenet.training.lightning_module import LightningLocalizer
from hinted_posenet.training.train import train

HINTED = ["method=hinted_residual", "refinement_steps=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def plain(place) -> Path:
    """The folder of a trained PoseNet."""
    return place.train("method=posenet")


@pytest.fixture(scope="module")
def hinted(place) -> Path:
    """The folder of a trained hinted network."""
    return place.train(*HINTED)


def methods(folder: Path) -> dict[str, str]:
    return {row["method"]: row["role"] for row in results(folder)["rows"] if row["group"] == "all"}


def scramble(folder: Path, sequence: str) -> None:
    """Give every frame of a sequence the pose of another one, moved by metres."""
    labels = sorted((folder / sequence).glob("*.pose.txt"))
    rows = [[line.split() for line in label.read_text().splitlines()] for label in labels]
    for label, matrix in zip(labels, rows[1:] + rows[:1], strict=True):
        moved = [[*row[:3], str(float(row[3]) + 5.0)] for row in matrix[:3]]
        label.write_text("\n".join(" ".join(row) for row in [*moved, matrix[3]]) + "\n")


# What a run writes


def test_a_plain_network_is_scored_beside_its_controls(plain):
    found = methods(plain)
    assert found == {
        "constant pose": "control",
        "retrieval": "control",
        "pass 1": "network",
        "nearest camera (ORACLE)": "control",
    }


def test_a_hinted_network_is_scored_beside_its_hint_and_the_copy_check(hinted):
    assert methods(hinted) == {
        "constant pose": "control",
        "retrieval": "control",
        "hint as the answer": "hint",
        "shuffled image": "control",
        "pass 1": "network",
        "pass 2": "network",
        "nearest camera (ORACLE)": "control",
    }


def test_a_result_tells_where_it_comes_from(hinted):
    written = results(hinted)
    assert written["config"]["head"]["hidden"] == 32
    assert written["config"]["seed"] == written["seed"] == 0
    assert written["frames"] == {"train": 8, "val": 4, "test": 4}
    assert written["oracle"] is False
    assert written["data"]["ground_truth"] == "raw"
    assert {"versions", "git_revision", "seed", "wall_time_s", "device"} <= written.keys()
    assert results(hinted / "val")["split"] == "val"
    assert not (hinted / "lightning").exists()


def test_evaluate_gives_the_numbers_of_the_training(place, hinted):
    again = place.evaluate(hinted, "again")
    assert (again / "poses.csv").read_bytes() == (hinted / "poses.csv").read_bytes()
    assert results(again)["rows"] == results(hinted)["rows"]


def test_the_printed_table_holds_the_numbers_of_the_file(place, hinted, capsys):
    place.evaluate(hinted, "printed")
    printed = capsys.readouterr().out
    row = next(r for r in results(hinted)["rows"] if r["method"] == "pass 2")
    assert f"{row['median_r_deg']:.1f}°" in printed
    assert "hint as the answer" in printed


def test_errors_in_the_file_are_those_of_the_poses_in_the_file(hinted):
    rows = poses(hinted, "error_t_m"), poses(hinted, "predicted_"), poses(hinted, "true_")
    for error, predicted, true in zip(*rows, strict=True):
        difference = torch.tensor([float(v) for v in predicted]) - torch.tensor(
            [float(v) for v in true]
        )
        assert difference.norm().item() == pytest.approx(float(error[0]), rel=1e-4)


# The honest protocol


def test_test_labels_change_errors_but_no_prediction(place, hinted, tmp_path):
    """No peeking: train, choose and calibrate again with scrambled test labels."""
    other = Workspace(tmp_path)
    shutil.rmtree(other.scene)
    shutil.copytree(place.scene, other.scene)
    scramble(other.scene, "seq-03")
    blind = other.train(*HINTED, f"paths.cache={place.folder / 'cache'}")
    for method in ("pass ", "retrieval", "constant pose", "hint as the answer", "shuffled image"):
        for columns in ("T_cam_world", "sigma_"):
            assert poses(blind, columns, method) == poses(hinted, columns, method)
    assert equal_states(weights(blind), weights(hinted))
    errors = zip(poses(blind, "error_t_m"), poses(hinted, "error_t_m"), strict=True)
    assert all(a != b for a, b in errors)


@pytest.mark.slow
def test_training_labels_do_change_predictions(place, hinted, tmp_path):
    """So that the test above cannot pass because labels are not read at all."""
    other = Workspace(tmp_path)
    shutil.rmtree(other.scene)
    shutil.copytree(place.scene, other.scene)
    scramble(other.scene, "seq-01")
    scramble(other.scene, "seq-02")
    scramble(other.scene, "seq-12")
    cache = f"paths.cache={place.folder / 'cache'}"
    assert poses(other.train(*HINTED, cache)) != poses(hinted)


def test_an_oracle_is_stamped(place, hinted, capsys):
    sensor = [
        "inference_hint=oracle",
        "inference_hint.sigma_t_m=0.1",
        "inference_hint.sigma_r_deg=1",
    ]
    folder = place.evaluate(hinted, "oracle", *sensor)
    assert results(folder)["oracle"] is True
    assert results(folder)["inference_hint"]["name"] == "oracle"
    assert "(oracle)" in capsys.readouterr().out
    stamped = {r["method"]: r["oracle"] for r in results(folder)["rows"]}
    assert stamped.pop("constant pose") is False and all(stamped.values())
    row = next(r for r in results(folder)["rows"] if r["method"] == "hint as the answer")
    assert 0.02 < row["median_t_m"] < 0.5  # the noise of the simulated sensor


def test_the_same_seed_gives_the_same_bytes(place, hinted):
    again = place.train(*HINTED, f"paths.runs={place.folder / 'runs2'}", "threads=1")
    assert (again / "poses.csv").read_bytes() == (hinted / "poses.csv").read_bytes()
    assert equal_states(weights(again), weights(hinted))


def test_an_empty_cache_gives_the_same_bytes_as_a_full_one(place, hinted, tmp_path):
    paths = [f"paths.runs={tmp_path / 'runs'}", f"paths.cache={tmp_path / 'cache'}"]
    again = place.train(*HINTED, *paths)
    assert (again / "poses.csv").read_bytes() == (hinted / "poses.csv").read_bytes()


@pytest.mark.slow
def test_another_seed_gives_another_network(place, hinted):
    other = place.train(*HINTED, "seed=1")
    assert not equal_states(weights(other), weights(hinted))


# Runs that are interrupted, finished, or in the way


def test_no_finished_epoch_is_lost_even_if_validation_did_not_improve(place, monkeypatch):
    cut_power_at_epoch(3, monkeypatch)
    runs = place.folder / "flat"
    still = ["optim.optimizer.lr=1e-12", "trainer.max_epochs=4", f"paths.runs={runs}"]
    with pytest.raises(RuntimeError, match="power cut"):
        place.train("method=posenet", *still)
    (last,) = runs.rglob("last.ckpt")
    assert torch.load(last, map_location="cpu", weights_only=True)["epoch"] == 2


def test_a_loss_that_explodes_stops_the_training_and_keeps_what_was_good(place, monkeypatch):
    runs = f"paths.runs={place.folder / 'exploded'}"
    original = LightningLocalizer.training_step

    def explode(module, sample, index):
        loss = original(module, sample, index)
        return loss * torch.nan if module.current_epoch == 2 else loss

    monkeypatch.setattr(LightningLocalizer, "training_step", explode)
    with pytest.raises(
        InputError, match=r"epoch 3 of 4.*after epoch 2 is kept; try a smaller optim"
    ):
        place.train("method=posenet", runs, "trainer.max_epochs=4")
    folder = place.folder / "exploded"
    for name in ("last.ckpt", "best.ckpt"):
        (kept,) = folder.rglob(name)
        state = torch.load(kept, map_location="cpu", weights_only=True)
        assert state["epoch"] < 2
        assert not any(value.isnan().any() for value in state["state_dict"].values())


@pytest.mark.parametrize("rate", ["inf", "nan"])
def test_a_learning_rate_that_is_no_number_is_refused_at_once(place, rate):
    plain = config("train", *place.train_overrides(f"paths.runs={place.folder / 'no'}"))
    plain["optim"]["optimizer"]["lr"] = float(rate)
    with pytest.raises(InputError, match=f"lr={rate}: expected a finite number"):
        train(plain)
    assert not (place.folder / "no").exists()


@pytest.mark.parametrize(
    "trainable, averaged_steps, accumulated",
    [
        ("none", "null", 1),
        pytest.param("all", "null", 1, marks=pytest.mark.slow),
        pytest.param("none", "3", 2, marks=pytest.mark.slow),
    ],
)
def test_resume_after_a_crash_ends_with_the_same_weights(
    place, monkeypatch, trainable, averaged_steps, accumulated
):
    small = ["name=resumed", f"backbone.trainable={trainable}", "trainer.max_epochs=3"]
    small += [f"averaged_steps={averaged_steps}"]
    small += [f"+trainer.accumulate_grad_batches={accumulated}", "head.dropout=0.3"]
    if trainable == "all":
        small += ["backbone=resnet18", "backbone.weights=null"]
    # its own answers, and how far they were off, are hints: all that has to go on
    method = ["method=hinted_residual", "train_hint=cascaded", "train_hint.ramp_steps=2"]
    folder = place.folder / f"{trainable}-{averaged_steps}"
    whole = place.train(*method, *small, f"paths.runs={folder}")
    runs = f"paths.runs={folder / 'cut'}"
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        cut_power_at_epoch(2, patch)
        place.train(*method, *small, runs)
    torch.manual_seed(99)  # a new process does not go on with the old random numbers
    resumed = place.train(*method, *small, runs, "resume=true")
    assert history(resumed) == history(whole)
    assert equal_states(weights(resumed), weights(whole))
    assert (resumed / "poses.csv").read_bytes() == (whole / "poses.csv").read_bytes()


def test_resuming_a_finished_run_prints_it_and_trains_nothing(place, hinted, monkeypatch, capsys):
    before = (hinted / "localizer.ckpt").stat().st_mtime_ns
    monkeypatch.setattr(
        LightningLocalizer, "training_step", lambda *_: pytest.fail("trained again")
    )
    score = train(config("train", *place.train_overrides(*HINTED, "resume=true")))
    assert score == min(float(row["val/score"]) for row in history(hinted))
    assert "step 2" in capsys.readouterr().out
    assert (hinted / "localizer.ckpt").stat().st_mtime_ns == before


def test_an_existing_run_is_not_touched_unasked(place, hinted):
    before = {path: path.stat().st_mtime_ns for path in hinted.rglob("*")}
    with pytest.raises(InputError, match=r"resume=true.*overwrite=true"):
        place.train(*HINTED)
    assert {path: path.stat().st_mtime_ns for path in hinted.rglob("*")} == before


def test_a_run_does_not_resume_with_another_config(place, hinted):
    with pytest.raises(InputError, match=r"head\.hidden=32, not 64"):
        place.train(*HINTED, "resume=true", "head.hidden=64")


def test_a_run_too_short_for_its_validation_says_so(place):
    late = ["name=unvalidated", "trainer.max_epochs=1", "+trainer.check_val_every_n_epoch=2"]
    with pytest.raises(InputError, match="check_val_every_n_epoch to at most"):
        place.train(*late)


def test_overwrite_starts_again(place):
    run = place.train("method=posenet", "name=twice")
    (run / "left_over").touch()
    again = place.train("method=posenet", "name=twice", "overwrite=true")
    assert not (again / "left_over").exists()
    assert (again / "results.json").is_file()


# Other scenes, hints and backbones


def test_another_scene_is_refused_unless_allowed(place, hinted):
    shutil.copytree(place.scene, place.scene.parent / "office")
    with pytest.raises(InputError, match="allow_other_scene=true"):
        place.evaluate(hinted, "office", "data.scene=office")
    assert not (place.folder / "office").exists()
    allowed = place.evaluate(hinted, "office", "data.scene=office", "allow_other_scene=true")
    assert results(allowed)["data"]["scene"] == "office"


def test_controls_on_another_scene_are_those_of_the_trained_one(tmp_path, caplog):
    """They know what the network knows: its own training images."""
    place = Workspace(tmp_path)
    run = place.train("method=posenet", "trainer.max_epochs=1")
    office = place.scene.parent / "office"
    shutil.copytree(place.scene, office)
    for file in office.rglob("*.pose.txt"):  # another place, and its own training poses
        rows = file.read_text().splitlines()
        file.write_text("\n".join([" ".join([*rows[0].split()[:3], "7"]), *rows[1:]]) + "\n")
    other = ["data.scene=office", "allow_other_scene=true"]
    folder = place.evaluate(run, "other", *other)
    assert results(folder)["trained_on"]["scene"] == place.scene.name
    for control in ("constant pose", "retrieval"):
        assert poses(folder, method=control) == poses(run, method=control)
    shutil.rmtree(place.scene)
    alone = place.evaluate(run, "alone", *other)
    assert methods(alone).keys() == {"pass 1"}
    assert "without its training images there are no controls" in caplog.text
    with pytest.raises(InputError, match="put it back, or leave them out"):
        place.evaluate(run, "refused", *other, "inference_hint=retrieval")


def test_what_was_said_of_the_trained_scene_is_not_asked_of_another(place):
    """Its held-out sequences and its excluded frames."""
    named = ("data.validation=[seq-12]", "data.exclude=[seq-01/frame-000007.color.png]")
    run = place.train("trainer.max_epochs=1", "name=named", *named)
    other = place.scene.parent / "hall"
    shutil.copytree(place.scene, other)
    for folder in (other / "seq-12", other / "seq-01"):
        shutil.move(folder, folder.with_name(f"{folder.name[:-2]}2{folder.name[-1]}"))
    (other / "TrainSplit.txt").write_text("sequence2\nsequence21\nsequence22\n")
    folder = place.evaluate(run, "hall", "data.scene=hall", "allow_other_scene=true")
    assert results(folder)["excluded_frames"] == {} and results(folder)["frames"]["val"] == 4


def test_evaluate_with_another_first_hint_and_cascade(place, hinted):
    folder = place.evaluate(hinted, "constant", "inference_hint=constant", "refinement_steps=3")
    assert results(folder)["inference_hint"] == {"name": "constant"}
    assert "pass 3" in methods(folder)
    hint = poses(folder, method="hint as the answer")
    assert hint == poses(folder, method="constant pose")


def test_a_network_hint_travels_inside_the_checkpoint(place, plain, hinted, tmp_path):
    copy = tmp_path / "posenet"
    shutil.copytree(plain, copy)
    network = ["inference_hint=network", f"inference_hint.checkpoint={copy}"]
    run = place.train(*HINTED, *network, "name=chained")
    hint = poses(run, method="hint as the answer")
    assert hint == poses(plain, method="pass 1")
    shutil.rmtree(copy)
    again = place.evaluate(run, "chained")
    assert (again / "poses.csv").read_bytes() == (run / "poses.csv").read_bytes()


def test_a_network_hint_with_other_features_is_refused(place, plain):
    network = ["inference_hint=network", f"inference_hint.checkpoint={plain}"]
    with pytest.raises(InputError, match="other features"):
        place.train(*HINTED, *network, "name=mismatch", "pool=global")


def test_a_trained_backbone_trains_and_evaluates(place):
    backbone = ["backbone=resnet18", "backbone.weights=null", "backbone.trainable=all"]
    run = place.train("method=hinted_embedding", *backbone, "name=whole", "refinement_steps=2")
    assert methods(run).keys() >= {"pass 1", "pass 2", "retrieval", "shuffled image"}
    again = place.evaluate(run, "whole")
    assert (again / "poses.csv").read_bytes() == (run / "poses.csv").read_bytes()
    assert any(state.any() for name, state in weights(run).items() if "running_mean" in name)


@pytest.mark.parametrize("trainable", ["none", pytest.param("all", marks=pytest.mark.slow)])
def test_what_learns_is_in_training_mode_and_what_is_frozen_is_not(place, monkeypatch, trainable):
    """Dropout and batch statistics work while training, with an empty feature cache and a full one."""
    seen = []
    step = LightningLocalizer.training_step

    def spy(module: LightningLocalizer, *batch):
        model = module.localizer.model
        seen.append({name for name, part in model.named_modules() if part.training})
        return step(module, *batch)

    monkeypatch.setattr(LightningLocalizer, "training_step", spy)
    backbone = ["backbone=resnet18", "backbone.weights=null", f"backbone.trainable={trainable}"]
    for number in (1, 2):
        cache = f"paths.cache={place.folder / trainable}"
        place.train("method=posenet", *backbone, cache, f"name=modes_{trainable}{number}")
    for training in seen:
        assert "head.layers.3" in training  # dropout
        assert ("backbone.network.layer1.0.bn1" in training) == (trainable == "all")


@pytest.mark.slow
def test_googlenet_with_auxiliary_branches_trains(place):
    backbone = ["backbone=googlenet", "backbone.weights=null", "backbone.auxiliary=true"]
    run = place.train("method=posenet", *backbone, "name=posenet2015")
    assert any("auxiliary_heads.1" in name for name in weights(run))


# Learning


@pytest.mark.parametrize("epochs", [1, 5])  # of two steps each
def test_any_number_of_steps_trains(place, epochs):
    steps = ["batch_size=8", f"trainer.max_epochs={epochs}", f"name=epochs{epochs}"]
    assert (place.train("method=posenet", *steps) / "results.json").is_file()


def test_four_images_are_learned_by_heart(tmp_path):
    place = Workspace(tmp_path, frames=4)
    for copy in ("seq-05", "seq-06"):  # seq-01 is validated and tested on, from copies
        shutil.copytree(place.scene / "seq-01", place.scene / copy)
    (place.scene / "TrainSplit.txt").write_text("sequence1\nsequence6\n")
    (place.scene / "TestSplit.txt").write_text("sequence5\n")
    run = place.train(
        "method=posenet",
        "data.validation=[seq-06]",
        "augmented_views=0",
        "trainer.max_epochs=150",
        "+trainer.check_val_every_n_epoch=50",
        "head.hidden=128",
        "head.dropout=0",
    )
    rows = {r["method"]: r for r in results(run)["rows"] if r["group"] == "all"}
    assert rows["constant pose"]["median_t_m"] > 0.15
    assert rows["pass 1"]["median_t_m"] < 0.1
    assert rows["retrieval"]["median_t_m"] < 1e-3


# Evaluation of checkpoints


def test_a_folder_is_named_by_all_that_was_asked_and_never_overwritten_unasked(place, hinted):
    sensor = ["inference_hint=oracle", "inference_hint.sigma_r_deg=1"]
    folders = [place.evaluate(hinted, None, "split=val")]
    folders += [
        place.evaluate(hinted, None, *sensor, f"inference_hint.sigma_t_m={sigma_t_m}", *more)
        for sigma_t_m in (0.1, 5)
        for more in ([], ["refinement_steps=3"])
    ]
    assert len(set(folders)) == 5
    assert all((folder / "results.json").is_file() for folder in folders)
    before = (folders[0] / "poses.csv").read_bytes()
    with pytest.raises(InputError, match=r"holds results; overwrite=true replaces them, out="):
        place.evaluate(hinted, None, "split=val")
    (folders[0] / "poses.csv").unlink()
    assert place.evaluate(hinted, None, "split=val", "overwrite=true") == folders[0]
    assert (folders[0] / "poses.csv").read_bytes() == before


# Prediction without labels


def test_predict_writes_the_answers_of_evaluate(place, hinted, tmp_path):
    output = tmp_path / "poses.txt"
    images = str(place.scene / "seq-03")
    predict(PredictSettings(checkpoint=hinted, images=images, out=output, accelerator="cpu"))
    found = read_poses_file(output)
    assert [name.split(".")[0] for name in found.names] == [
        f"frame-{n:06d}" for n in (7, 10, 13, 16)
    ]
    expected = torch.tensor(
        [[float(v) for v in row] for row in poses(hinted, "predicted_", "pass 2")]
    )
    torch.testing.assert_close(found.T_world_cam.t.float(), expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("steps", ["0", "-3", "0.5"])
def test_senseless_averaging_is_named_and_leaves_no_run(place, steps):
    runs = place.folder / f"averaged-{steps}"
    with pytest.raises(InputError, match=rf"averaged_steps={steps}: expected "):
        place.train("method=posenet", f"averaged_steps={steps}", f"paths.runs={runs}")
    assert not runs.exists()
