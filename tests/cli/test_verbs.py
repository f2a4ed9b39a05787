"""The verbs as a user runs them: from an empty folder, with mistakes."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fakes
import numpy as np
import pytest
import rasterio
import torch
from tiny import TINY, Workspace, config, equal_states, history, results, weights

from hinted_posenet.cli.check_line import check
from hinted_posenet.cli.verb import swept_suffix
from hinted_posenet.core import errors
from hinted_posenet.core.extensions import config_folder
from hinted_posenet.training.run import read_scene

KITCHEN = "redkitchen"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hinted_posenet", *arguments]


def cli(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=300
    )


def assert_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 1, or 2 of a mistyped command; one line `error: ...` with the words, no traceback."""
    assert result.returncode in (1, 2), result.stderr
    assert "Traceback" not in result.stderr, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, result.stderr
    assert result.stderr.endswith(errors[0] + "\n"), result.stderr
    for word in words:
        assert word in errors[0], errors[0]


# mistakes that are answered before torch is imported: name -> (arguments, words of the answer)
MISTAKES = {
    "no data": (["train"], ["data", "seven_scenes", "cambridge", "aerial"]),
    "unknown key": (["train", "data=seven_scenes", "bach_size=3"], ["bach_size", "batch_size"]),
    "unknown nested key": (
        ["train", "data=seven_scenes", "trainer.max_epoch=3"],
        ["trainer.max_epoch", "did you mean trainer.max_epochs?"],
    ),
    "unknown key of a choice": (
        ["simulate", "recipe=naip", "flights.test.images=3"],
        ["flights.test.images", "test_known_dates, test_new_dates, train"],
    ),
    "unknown choice": (
        ["train", "data=seven_scenes", "method=hinted"],
        ["hinted_residual", "posenet", "null_hint"],
    ),
    "unknown data": (["train", "data=imagenet"], ["cambridge", "seven_scenes"]),
    "unknown group": (["train", "data=seven_scenes", "heads=plain"], ["heads", "head"]),
    "syntax": (["train", "data=seven_scenes", "seed=[1,"], ["[1,"]),
    "mandatory of evaluate": (["evaluate"], ["checkpoint", "checkpoint=VALUE"]),
    "mandatory of predict": (["predict", "checkpoint=x"], ["images=VALUE"]),
    "mandatory of timm": (["train", "data=seven_scenes", "backbone=timm"], ["backbone.name=VALUE"]),
    "no format": (["data", "export", "data=aerial"], ["format", "colmap_binary", "seven_scenes"]),
    "mandatory of export": (["data", "export", "data=aerial", "format=cambridge"], ["out=VALUE"]),
    "unknown key of export": (
        ["data", "export", "data=aerial", "format=cambridge", "over=true"],
        ["over", "overwrite"],
    ),
    "text for a number": (
        ["train", "data=seven_scenes", "batch_size=many"],
        ["batch_size=many", "whole number"],
    ),
    "text for a number of a part": (
        ["train", "data=seven_scenes", "optim.optimizer.lr=fast"],
        ["optim.optimizer.lr=fast", "a number"],
    ),
    "a number for text": (["train", "data=seven_scenes", "data.scene=7"], ["data.scene=7", "text"]),
    "a number for a list": (
        ["train", "data=seven_scenes", "data.crop=64"],
        ["data.crop=64", "list"],
    ),
    "null": (["train", "data=seven_scenes", "seed=null"], ["seed=null", "whole number"]),
    "null for a number of a part": (
        ["train", "data=seven_scenes", "optim.optimizer.lr=null"],
        ["optim.optimizer.lr=null", "a number"],
    ),
    "no rate of a backbone": (
        ["train", "data=cambridge", "method=posenet_2015", "optim.backbone_lr=0"],
        ["optim.backbone_lr=0", "more than 0"],
    ),
    "a negative rate": (["train", "data=seven_scenes", "optim.optimizer.lr=-1"], ["0 or more"]),
    "a fraction": (
        ["evaluate", "checkpoint=x", "refinement_steps=0.5"],
        ["refinement_steps=0.5", "whole number"],
    ),
    "below zero": (["predict", "checkpoint=x", "images=x", "threads=-1"], ["0 or more"]),
    "no batch": (["train", "data=seven_scenes", "batch_size=0"], ["batch_size=0", "1 or more"]),
    "accelerator": (["train", "data=seven_scenes", "accelerator=cud"], ["auto, cpu, gpu"]),
    "yes": (["simulate", "overwrite=yes"], ["overwrite=yes", "true or false"]),
    "infinity": (["train", "data=seven_scenes", "optim.optimizer.lr=inf"], ["a finite number"]),
    "a range of a constructor": (["train", "data=seven_scenes", "pool.grid=0"], ["1 or more"]),
    "a value of a sweep": (
        ["train", "--multirun", "data=seven_scenes", "seed=0,x"],
        ["seed=x", "a whole number"],
    ),
    "a key that another one sets": (
        ["train", "data=seven_scenes", "+trainer.accelerator=nonsense"],
        ["trainer.accelerator", "give accelerator=VALUE"],
    ),
    "an argument that a class lacks": (
        ["train", "data=seven_scenes", "+trainer.max_step=3"],
        ["unknown key trainer.max_step", "did you mean trainer.max_steps?"],
    ),
    "no group": (["train", "data=seven_scenes", "head=null"], ["head=null", "hinted_residual"]),
    "an unknown config": (["train", "--config-name", "foo"], ["foo"]),
    "a flag": (["compare", "--reference", "x"], ["unknown flag", "reference=VALUE"]),
    "a word too many": (["data", "check", "a", "b"], ["b: expected KEY=VALUE"]),
    "no word": (["compare"], ["runs: required", "RUN ..."]),
    "unknown key of a verb without groups": (["report", "a", "oud=b"], ["did you mean out?"]),
    "choices of a verb": (["score", "a", "truth=b", "align=x"], ["none, rigid, similarity"]),
    "null for a required key": (["evaluate", "checkpoint=null"], ["checkpoint=null", "text"]),
    "a plan that no flight takes": (
        ["simulate", "recipe=tiny", "flight.lawnmower.jitter_m=9"],
        ["flight.lawnmower.jitter_m=9", "changes nothing"],
    ),
    "dates that no world takes": (
        ["simulate", "recipe=naip", "climate=twelve_months"],
        ["climate=twelve_months", "changes nothing"],
    ),
    "landmarks' features without landmarks": (
        ["train", "data=seven_scenes", "features=xfeat"],
        ["features=xfeat", "add method=hinted_landmarks or refine=landmarks"],
    ),
    "landmarks' features beside a map": (
        ["train", "data=aerial", "method=ground_registration", "features=xfeat"],
        ["features=xfeat", "changes nothing without landmarks"],
    ),
    "a negative number of steps": (
        ["train", "data=aerial", "method=ground_registration", "refine.steps=-1"],
        ["refine.steps=-1: expected 0 or more"],
    ),
    "a map that is a number": (
        ["train", "data=aerial", "method=ground_registration", "refine.map=7"],
        ["refine.map=7: expected"],
    ),
    "a network with landmarks named as without": (
        ["train", "data=seven_scenes", "method=posenet", "refine=landmarks"],
        ["named posenet after its method, which has another refine", "name=NAME"],
    ),
    "no equals sign": (["train", "data=seven_scenes", "resume"], ["resume"]),
}


SOUND = [  # words that look like mistakes and are none
    ["train", "data=seven_scenes", "trainer.devices=auto", "augment=null"],
    ["train", "data=seven_scenes", "image_cache_gb=0.5", "head.hidden=64", "data.crop=[64,64]"],
    ["train", "data=seven_scenes", "+trainer.check_val_every_n_epoch=2", "~callbacks.predictions"],
    ["train", "data=seven_scenes", "method=hinted_residual", "head.bound=null", "head.axes=camera"],
    ["train", "data=seven_scenes", "refine=landmarks", "features=xfeat", "name=refined"],
    ["train", "data=seven_scenes", "method=hinted_landmarks", "matcher.min_similarity=0.5"],
    ["train", "data=seven_scenes", "experiment=redkitchen_hinted_landmarks", "features=xfeat"],
    ["train", "data=aerial", "method=ground_registration", "refine.map=[a.tif,b.tif]"],
    ["train", "data=aerial", "refine=ground", "refine.map={2018-06-01:a.tif}", "name=refined"],
    ["train", "data=aerial_live", "recipe=naip", "world.source=[a,b]", "loss=beta", "loss.beta=7"],
    [
        "evaluate",
        "checkpoint=x",
        "inference_hint=oracle",
        "inference_hint.sigma_t_m=5",
        "inference_hint.sigma_r_deg=null",
        "refinement_steps=2",
    ],
    [
        "simulate",
        "recipe=tiny",
        "flight.lawnmower.jitter_m=5",
        "world.size_m=450.5",
        "expected=null",
    ],
    ["simulate", "recipe=tiny", "flight=[random,orbit]", "flights.train.plan=${flight.orbit}"],
    ["train", "data=seven_scenes", "logger=null", "--config-name", "train"],
    ["predict", "checkpoint=a-lr=0.1/seed-0", "images=my images (1)", "out=ä.txt"],
    ["study", "data=aerial", "methods=[posenet,'hinted_memory,pool.grid=9']", "seeds=[0,1]"],
    ["data", "fetch", "cambridge", "ShopFacade", "KingsCollege", "accept_licence=true"],
]


@pytest.mark.parametrize("words", SOUND, ids=lambda words: " ".join(words[1:])[:60])
def test_sound_words_are_no_mistake(words):
    check(words)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_on_the_command_line_is_one_line_with_the_choices(here, mistake):
    arguments, words = MISTAKES[mistake]
    result = here(*arguments)
    assert_one_line(result, *words)
    assert result.returncode == 2
    assert list(Path.cwd().iterdir()) == []


def test_a_mistake_in_a_process_of_its_own(tmp_path):
    arguments, words = MISTAKES["unknown nested key"]
    assert_one_line(cli(tmp_path, *arguments), *words)
    assert list(tmp_path.iterdir()) == []


def broken(folder: Path, kind: str) -> tuple[list[str], list[str]]:
    """Break a scene; (further arguments, words of the answer)."""
    frame = folder / "data" / "seven_scenes" / KITCHEN / "seq-03" / "frame-000010"
    image, pose = frame.with_suffix(".color.png"), frame.with_suffix(".pose.txt")
    if kind == "wrong root":
        return ["paths.data=elsewhere"], ["elsewhere", "data.root"]
    if kind == "wrong scene":
        return ["data.scene=kitchen"], [KITCHEN]
    if kind == "missing image":
        image.unlink()
    elif kind == "unreadable image":
        image.write_bytes(b"not an image")
        return [], [image.name]
    elif kind == "cut off image":
        image.write_bytes(image.read_bytes()[:120])
        return [], [image.name]
    elif kind == "broken pose line":
        pose.write_text("1 0 0 zero\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    elif kind == "short pose file":
        pose.write_text("1 0 0 0\n0 1 0 0\n")
    elif kind == "not a rotation":
        pose.write_text("2 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n")
    elif kind == "empty split":
        (frame.parents[1] / "TestSplit.txt").write_text("")
        return [], ["test split", "empty"]
    return [], ["frame-000010"]


@pytest.mark.parametrize(
    "kind",
    [
        *("wrong root", "wrong scene", "missing image", "unreadable image", "cut off image"),
        *("broken pose line", "short pose file", "not a rotation", "empty split"),
    ],
)
def test_bad_data_is_one_line_and_leaves_no_result(here, tmp_path, kind):
    place = Workspace(tmp_path)
    arguments, words = broken(tmp_path, kind)
    assert_one_line(here("train", *place.train_overrides(*arguments)), *words)
    assert_no_result(tmp_path / "runs")


@pytest.mark.slow
def test_bad_data_in_a_decoding_process_is_one_line_too(tmp_path):
    place = Workspace(tmp_path)
    arguments, words = broken(tmp_path, "cut off image")
    given = place.train_overrides(*arguments, "workers=2")
    assert_one_line(cli(tmp_path, "train", *given), *words)
    assert_no_result(tmp_path / "runs")


def test_words_that_build_on_each_other_are_checked_together() -> None:
    words = ["recipe=tiny", "flight=[random,orbit]", "flight.orbit.altitude_m=80"]
    check(["simulate", *words, "flights.train.plan=${flight.orbit}"])


def assert_no_result(runs: Path) -> None:
    """No test result, and nothing half-written."""
    for name in ("results.json", "poses.csv", ".*"):
        assert not list(runs.glob(f"**/seed-0/{name}"))


def test_a_run_that_stumbled_over_a_test_image_is_resumed_when_that_is_mended(here, tmp_path):
    place = Workspace(tmp_path)
    image = place.scene / "seq-03" / "frame-000010.color.png"
    whole = image.read_bytes()
    image.write_bytes(whole[:120])
    given = place.train_overrides()
    assert_one_line(here("train", *given), image.name)
    image.write_bytes(whole)
    resumed = here("train", *given, "resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert list((tmp_path / "runs").glob("**/seed-0/results.json"))


def test_a_broken_training_image_leaves_no_run_behind(here, tmp_path):
    place = Workspace(tmp_path)
    image = next((place.scene / "seq-01").glob("*.color.png"))
    whole = image.read_bytes()
    image.write_bytes(whole[:120])
    given = place.train_overrides()
    assert_one_line(here("train", *given), image.name)
    assert not list((tmp_path / "runs").glob("**/seed-0"))
    image.write_bytes(whole)
    again = here("train", *given)  # the same words, and neither resume nor overwrite
    assert again.returncode == 0, again.stderr


def test_once_the_data_are_right_the_same_command_trains(here, tmp_path):
    """What a failed start leaves behind is not in the way of the next one."""
    place = Workspace(tmp_path)
    label = place.scene / "seq-03" / "frame-000010.pose.txt"
    good = label.read_text()
    label.write_text("nonsense\n")
    given = place.train_overrides()
    assert_one_line(here("train", *given), "frame-000010")
    label.write_text(good)
    assert here("train", *given).returncode == 0


def test_a_run_from_an_empty_folder(here, tmp_path, monkeypatch):
    """train, then evaluate, predict and compare."""
    place = Workspace(tmp_path / "there")
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    paths = [f"paths.data={place.folder / 'data'}", f"paths.cache={place.folder / 'cache'}"]
    train = here("train", "data=seven_scenes", *paths, *TINY)
    assert train.returncode == 0, train.stderr
    run = empty / "runs" / "seven_scenes" / KITCHEN / "posenet" / "seed-0"
    assert sorted(path.name for path in empty.iterdir()) == ["runs"]
    assert {"results.json", "poses.csv", "localizer.ckpt", "config.yaml"} <= {
        path.name for path in run.iterdir()
    }
    common = [f"checkpoint={run}", "accelerator=cpu", "threads=1"]
    for verb in (
        ["evaluate", *common, *paths],
        ["predict", *common, f"images={place.scene / 'seq-03'}"],
        ["compare", str(run)],
    ):
        result = here(*verb)
        assert result.returncode == 0, result.stderr
    assert results(run / "evaluate" / "test")["rows"] == results(run)["rows"]
    assert len((empty / "poses.csv").read_text().splitlines()) == 1 + 4
    assert sorted(path.name for path in empty.iterdir()) == ["poses.csv", "runs"]


def test_mistakes_about_a_finished_run(here, tmp_path):
    place = Workspace(tmp_path)
    given = place.train_overrides()
    run = place.train()
    images = f"images={place.scene / 'seq-03'}"
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    assert_one_line(here("train", *given), "resume=true", "overwrite=true")
    assert_one_line(here("evaluate", "checkpoint=no/such/run"), "no/such/run", "missing")
    spoilt = here("predict", f"checkpoint={run / 'poses.csv'}", images)
    assert_one_line(spoilt, "poses.csv", "not readable")
    assert_one_line(here("predict", f"checkpoint={run}", f"images={nothing}"), "no images")
    assert_one_line(here("compare", str(nothing)), "nothing")
    assert not (tmp_path / "poses.csv").exists()


def test_an_unknown_split_is_one_line_with_the_choices(here, tmp_path):
    run = Workspace(tmp_path).train()
    assert_one_line(here("evaluate", f"checkpoint={run}", "split=tset"), "tset", "test", "val")


def test_simulate_refuses_a_geotiff_without_georeference(here, tmp_path):
    photo = np.zeros((3, 64, 64), np.uint8)
    profile = {"driver": "GTiff", "width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    with rasterio.open(tmp_path / "20180716.tif", "w", **profile) as file:
        file.write(photo)
    given = ["recipe=naip", f"world.source={tmp_path}", f"root={tmp_path / 'out'}"]
    assert_one_line(here("simulate", *given), "20180716.tif")
    assert not (tmp_path / "out" / "naip").exists()


@pytest.mark.slow
def test_simulate_then_train_on_what_it_wrote(tmp_path):
    written = cli(tmp_path, "simulate", "recipe=tiny")
    assert written.returncode == 0, written.stderr
    assert (tmp_path / "simulated" / "aerial" / "tiny" / "frames.csv").is_file()
    again = cli(tmp_path, "simulate", "recipe=tiny")
    assert_one_line(again, "overwrite=true")
    given = ["data=aerial", "data.scene=tiny", f"paths.cache={tmp_path / 'cache'}"]
    trained = cli(tmp_path, "train", *given, *TINY)
    assert trained.returncode == 0, trained.stderr
    groups = {row["group"] for row in results(tmp_path / "runs/aerial/tiny/posenet/seed-0")["rows"]}
    assert {"seasons seen in training", "unseen seasons"} <= groups


@pytest.mark.slow
def test_export_of_what_simulate_wrote_reads_back_as_it_says(tmp_path):
    assert cli(tmp_path, "simulate", "recipe=tiny").returncode == 0
    formats = [path.stem for path in (config_folder() / "format").glob("*.yaml")]

    def run(name):
        return cli(
            tmp_path,
            "data",
            "export",
            "data=aerial",
            "data.scene=tiny",
            f"format={name}",
            f"out=there/{name}",
        )

    with ThreadPoolExecutor(2) as pool:
        written = dict(zip(formats, pool.map(run, formats), strict=True))
    source = read_scene(
        config("train", "data=aerial", "data.scene=tiny", f"data.root={tmp_path}/simulated/aerial")
    )
    for name, result in written.items():
        assert result.returncode == 0, result.stderr
        assert "100%" in result.stderr
        read_back = result.stdout.splitlines()[-1].removeprefix("read it back: ").split()
        assert read_back[0].startswith("data=")
        views = read_scene(config("train", *read_back)).views
        for split in ("train", "val", "test"):
            positions = [view.T_world_cam.t for view in source.views[split]]
            found = [view.T_world_cam.t for view in views[split]]
            assert torch.allclose(torch.stack(positions), torch.stack(found), rtol=0, atol=1e-9), (
                name
            )
    assert_one_line(run("transforms"), "there/transforms", "overwrite=true")
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == sorted(formats)


def test_export_from_an_empty_folder(here, tmp_path):
    fakes.write_aerial(tmp_path / "aerial")
    given = [
        "data",
        "export",
        "data=aerial",
        f"data.root={tmp_path / 'aerial'}",
        "data.scene=prairie",
    ]
    missing = here(*given[:-1], "data.scene=desert", "format=colmap_text", "out=there")
    assert_one_line(missing, "desert", "prairie")
    assert not (tmp_path / "there").exists()
    done = here(*given, "format=colmap_text", "out=there")
    assert done.returncode == 0, done.stderr
    assert "16 images: 8 train, 4 val, 4 test" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["aerial", "there"]
    assert_one_line(here(*given, "format=cambridge", "out=there"), "overwrite=true")


def wait_for_epoch(process: subprocess.Popen[str], run: Path, epoch: int) -> None:
    limit = time.monotonic() + 120
    while not (run / "history.csv").is_file() or len(history(run)) < epoch:
        assert process.poll() is None, "ended before it could be stopped"
        assert time.monotonic() < limit
        time.sleep(0.05)


LONG = ["method=hinted_residual", "trainer.max_epochs=40", "batch_size=2"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nobody stops."""
    return Workspace(tmp_path_factory.mktemp("whole")).train(*LONG)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_run_resumes_to_the_same_weights(here, tmp_path, whole, how):
    given = Workspace(tmp_path).train_overrides(*LONG)
    run = tmp_path / "runs" / "seven_scenes" / KITCHEN / "hinted_residual" / "seed-0"
    process = subprocess.Popen(
        command("train", *given),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    wait_for_epoch(process, run, 4)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (-signal.SIGKILL if how == signal.SIGKILL else 1)
    if how == signal.SIGINT:
        assert "Traceback" not in errors, errors
        assert "error: interrupted; run again with resume=true" in errors, errors
    assert not (run / "results.json").exists()
    assert_one_line(here("train", *given), "unfinished", "resume=true")
    resumed = cli(tmp_path, "train", *given, "resume=true")
    assert resumed.returncode == 0, resumed.stderr
    assert history(run) == history(whole)
    assert equal_states(weights(run), weights(whole))


@pytest.mark.slow
def test_multirun_makes_a_run_of_every_combination(tmp_path):
    place = Workspace(tmp_path)
    sweep = ["seed=0,1", "optim.optimizer.lr=1e-3,1e-4", "trainer.max_epochs=1"]
    result = cli(tmp_path, "train", "--multirun", *place.train_overrides(*sweep))
    assert result.returncode == 0, result.stderr
    scene = tmp_path / "runs" / "seven_scenes" / KITCHEN
    found = {str(file.parent.relative_to(scene)) for file in scene.glob("*/*/results.json")}
    assert found == {
        f"posenet-lr={lr}/seed-{seed}" for lr in ("0.001", "0.0001") for seed in (0, 1)
    }


def test_what_is_swept_is_part_of_the_name_and_what_the_folder_has_is_not():
    given = [
        "data=aerial",
        "head.hidden=64",
        "seed=0,1",
        "optim.optimizer.lr=1e-3,1e-4",
        "pool=grid",
    ]
    job = ["data=aerial", "head.hidden=64", "seed=1", "optim.optimizer.lr=0.001", "pool=grid"]
    assert swept_suffix(given, job) == "-lr=0.001"
    assert swept_suffix(["method=a,b"], ["method=b"]) == ""
    assert swept_suffix(["method=a,b", "name=x"], ["method=b", "name=x"]) == "-method=b"
    assert swept_suffix(["a.x=1,2", "b.x=1,2"], ["a.x=1", "b.x=2"]) == "-a.x=1-b.x=2"


LIGHT = """
import sys
from importlib.machinery import PathFinder
from hydra.core.global_hydra import GlobalHydra
from hinted_posenet.core.errors import one_line_errors

find_spec = PathFinder.find_spec

def find_others(name, path=None, target=None):
    return None if name.partition(".")[0] in {hidden} else find_spec(name, path, target)

PathFinder.find_spec = find_others
for line in {lines}:
    sys.argv = ["hinted-posenet", *line]
    code = 0
    try:
        with one_line_errors():
            from hinted_posenet.cli.main import main
            main()
    except SystemExit as stopped:
        code = stopped.code or 0
    GlobalHydra.instance().clear()
    print(f"\\0{{code}}", end="\\0", file=sys.stderr, flush=True)
"""
TRAINING = ["pytorch_lightning", "lightning_fabric", "timm"]
EXTRAS = sorted(errors.EXTRAS)


def without(
    modules: list[str], folder: Path, *lines: list[str]
) -> list[subprocess.CompletedProcess[str]]:
    """Give command lines, one after the other, to a process where some modules are not installed."""
    program = LIGHT.format(hidden=set(modules), lines=list(lines))
    given = [sys.executable, "-c", program]
    told = subprocess.run(given, cwd=folder, capture_output=True, text=True, timeout=300).stderr
    parts = told.split("\0")
    assert len(parts) == 2 * len(lines) + 1, told
    return [
        subprocess.CompletedProcess(line, int(code), "", text)
        for line, text, code in zip(lines, parts[::2], parts[1::2], strict=False)
    ]


@pytest.mark.slow
def test_verbs_that_simulate_export_or_draw_need_nothing_of_training(tmp_path):
    for done in without(
        TRAINING,
        tmp_path,
        ["simulate", "recipe=tiny", "expected=null"],
        ["data", "export", "data=aerial", "data.scene=tiny", "format=csv", "out=there"],
        ["show", "recipe=tiny", "what=map"],
    ):
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_training_evaluation_and_prediction_need_no_extra(tmp_path):
    place = Workspace(tmp_path)
    run = f"checkpoint={tmp_path}/runs/seven_scenes/{KITCHEN}/posenet/seed-0"
    common = [run, "accelerator=cpu", "threads=1"]
    for done in without(
        EXTRAS,
        tmp_path,
        ["train", *place.train_overrides("trainer.max_epochs=1")],
        ["evaluate", *common, *place.paths],
        ["predict", *common, f"images={place.scene / 'seq-03'}"],
    ):
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_verb_without_its_extra_says_what_to_install(tmp_path):
    extras = {
        "simulator": [
            ["simulate", "recipe=tiny"],
            ["show", "recipe=tiny"],
            ["train", "data=aerial_live", "recipe=tiny"],
        ],
        "report": [["report", "runs"]],
    }
    for extra, lines in extras.items():
        for result in without(EXTRAS, tmp_path, *lines):
            assert_one_line(result, f"pip install 'hinted_posenet[{extra}]'")


@pytest.mark.parametrize("module, extra", [("open3d", "simulator"), ("plotly", "report")])
def test_a_missing_extra_is_one_line(capsys, module, extra):
    with pytest.raises(SystemExit), errors.one_line_errors():
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    assert f"pip install 'hinted_posenet[{extra}]'" in capsys.readouterr().err
