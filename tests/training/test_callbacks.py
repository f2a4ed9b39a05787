"""What a user sees of a training, and what stays of it: bar, curves, figures, history, for every logger."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import cv2
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny import Workspace, cut_power_at_epoch, equal_states, history, results, weights

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample
from hinted_posenet.training.callbacks import COLUMNS, History
from hinted_posenet.training.lightning_module import LightningLocalizer

RUN = ["method=posenet", "trainer.max_epochs=3", "callbacks.predictions.every_epochs=2"]
CURVES = {name for name in COLUMNS if "/" in name}


class Terminal(io.StringIO):
    """Takes what is printed, and says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def printed() -> io.StringIO:
    """What the run of the next fixture printed, into a log."""
    return io.StringIO()


@pytest.fixture(scope="module")
def run(place, printed) -> Path:
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setenv("FORCE_COLOR", "1")  # as CI services do
        return place.train(*RUN, drawn=True)


def events(run: Path) -> EventAccumulator:
    read = EventAccumulator(str(run / "tensorboard"))
    read.Reload()
    return read


def test_tensorboard_has_curves_of_both_splits_and_figures(run):
    read = events(run)
    assert set(read.Tags()["scalars"]) >= CURVES
    rows = history(run)
    for name in CURVES:
        assert [event.value for event in read.Scalars(name)] == pytest.approx(
            [float(row[name]) for row in rows]
        )
    (second, third) = read.Images("val/predictions")
    assert (second.step, third.step) == (int(rows[1]["step"]), int(rows[2]["step"]))
    assert min(third.width, third.height) > 300


def test_errors_of_training_images_are_those_of_an_evaluation(place, run):
    folder = place.evaluate(run, "train", "split=train")
    found = next(r for r in results(folder)["rows"] if r["method"] == "pass 1")
    chosen = min(history(run), key=lambda row: float(row["val/score"]))
    for name in ("median_t_m", "median_r_deg"):
        assert float(chosen[f"train/{name}"]) == pytest.approx(found[name], rel=1e-5)


def test_a_run_leaves_its_learning_curve_and_its_last_figure(run):
    assert [row["epoch"] for row in history(run)] == ["1", "2", "3"]
    for name in ("learning_curve.png", "predictions.png"):
        picture = cv2.imread(str(run / name))
        assert min(picture.shape[:2]) > 300
        assert picture.std() > 10
        assert 10_000 < (run / name).stat().st_size < 500_000


def test_a_log_gets_a_few_plain_lines(run, printed):
    text = printed.getvalue()
    assert "\x1b" not in text and "\r" not in text
    lines = [line for line in text.splitlines() if line.startswith("epoch ")]
    last = history(run)[-1]
    centimetres = 100 * float(last["val/median_t_m"])
    assert lines == [
        f"epoch 3/3, loss {float(last['train/loss']):.3f}"
        f", val {centimetres:.1f} cm, {float(last['val/median_r_deg']):.1f}°, 00:00 left"
    ]
    assert f"to watch: tensorboard --logdir {run}\n" in text


def test_a_terminal_shows_epoch_loss_and_errors_with_their_units(place, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    with redirect_stdout(terminal):
        run = place.train(*RUN, "name=terminal")
    last = history(run)[-1]
    text = terminal.getvalue()
    centimetres = 100 * float(last["val/median_t_m"])
    assert "epoch 1/3" in text and "epoch 3/3" in text
    assert f"loss {float(last['train/loss']):.3f}" in text
    assert f"val {centimetres:.1f} cm, {float(last['val/median_r_deg']):.1f}°" in text
    assert "00:00 left" in text
    assert "v_num" not in text


def test_nobody_watching_changes_no_weight(place, run, capsys):
    off = ["~callbacks.predictions", "callbacks.progress_bar.refresh_rate=0", "logger=none"]
    alone = place.train(*(word for word in RUN if "predictions" not in word), *off, "name=alone")
    assert equal_states(weights(alone), weights(run))
    assert history(alone) == history(run)
    assert not (alone / "predictions.png").exists()
    assert not {"epoch ", "to watch"} & {line[:8] for line in capsys.readouterr().out.splitlines()}


def test_csv_logger_has_the_same_columns(place):
    run = place.train(*RUN, "logger=csv", "name=csv")
    header = (run / "log/version_0/metrics.csv").read_text().partition("\n")[0]
    assert set(header.split(",")) >= CURVES
    assert (run / "predictions.png").is_file()
    assert not (run / "tensorboard").exists()


def test_a_resumed_run_goes_on_in_the_same_curves(place, run, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="power cut"):
        cut_power_at_epoch(2, patch)
        place.train(*RUN, "name=cut")
    resumed = place.train(*RUN, "name=cut", "resume=true")
    assert history(resumed) == history(run)
    assert len(list((resumed / "tensorboard").glob("events.*"))) == 2
    whole, both = ([e.step for e in events(r).Scalars("val/score")] for r in (run, resumed))
    assert both == whole


def test_overwrite_starts_new_curves(place, run):
    folder = place.train(*RUN, "name=again")
    place.train(*RUN, "name=again", "overwrite=true")
    assert len(list((folder / "tensorboard").glob("events.*"))) == 1
    assert history(folder) == history(run)


@pytest.mark.parametrize("repeated, left", [(6, 6), (4, 4), (1, 1)])
def test_an_epoch_that_is_repeated_takes_the_place_of_its_line(tmp_path, repeated, left):
    numbers = {name: torch.tensor(0.5) for name in CURVES}

    def train(*epochs: int, loss: float) -> None:
        recorder = History(tmp_path / "history.csv")
        for epoch in epochs:
            found = {**numbers, "train/loss": torch.tensor(loss)}
            trainer = SimpleNamespace(
                is_global_zero=True,
                sanity_checking=False,
                current_epoch=epoch - 1,
                global_step=10 * epoch,
                callback_metrics=found,
            )
            if epoch % 2 == 0:
                recorder.on_validation_end(trainer, None)
            recorder.on_train_epoch_end(trainer, None)

    train(1, 2, 3, 4, 5, loss=1.0)
    train(repeated, loss=2.0)
    rows = history(tmp_path)
    assert [int(row["epoch"]) for row in rows] == list(range(1, left + 1))
    assert [float(row["train/loss"]) for row in rows] == [1.0] * (left - 1) + [2.0]
    assert [row["val/score"] for row in rows] == ["", "0.5", "", "0.5", "", "0.5"][:left]


def test_a_sanity_check_is_no_validation_of_an_epoch(place):
    now_and_then = ["trainer.num_sanity_val_steps=1", "+trainer.check_val_every_n_epoch=2"]
    run = place.train(*RUN, *now_and_then, "callbacks.predictions.every_epochs=1", "name=sanity")
    assert [row["val/score"] != "" for row in history(run)] == [False, True, False]
    (image,) = events(run).Images("val/predictions")
    assert image.step == int(history(run)[1]["step"])


def test_every_zero_epochs_is_refused_before_anything_is_written(place):
    with pytest.raises(InputError, match=r"every_epochs=0: must be at least 1; ~callbacks"):
        place.train("callbacks.predictions.every_epochs=0", "name=never")
    assert not list((place.folder / "runs").rglob("never"))


def test_the_training_images_that_are_checked_are_few_and_from_everywhere(tmp_path, monkeypatch):
    place = Workspace(tmp_path, frames=40)
    names = []
    step = LightningLocalizer.validation_step

    def spy(module: LightningLocalizer, sample: Sample, *indices: int):
        names.extend(sample.query.name if indices[1:] == (1,) else ())
        return step(module, sample, *indices)

    monkeypatch.setattr(LightningLocalizer, "validation_step", spy)
    place.train("method=posenet", "trainer.max_epochs=1", "logger=none")
    assert len(set(names)) == len(names) == 16
    assert {name.partition("/")[0] for name in names} == {"seq-02", "seq-12"}
