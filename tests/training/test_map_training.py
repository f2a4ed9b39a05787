"""Training, evaluating and asking the registration to a map: to a mosaic of training images, and to GeoTIFFs."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from flown_ground import DATES, last_flight, write_flights, write_heights, write_photos
from ground import LEVEL_M

from hinted_posenet import load
from hinted_posenet.cli.compose import compose
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint
from hinted_posenet.inference import map_refinement
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.training import registration
from hinted_posenet.training.evaluate import evaluate
from hinted_posenet.training.train import train

STEPS = 3
WRONG = torch.tensor([6.0, -7.0, 3.0]).double()  # of a prior


def config(root: Path, *words: str) -> dict[str, Any]:
    return compose(
        *("train", "method=ground_registration", "data=aerial", "data.scene=meadow"),
        *(f"paths.{key}={root / key}" for key in ("data", "datasets", "runs", "cache")),
        *("data.height=64", "data.width=64", "backbone.weights=null"),
        *("refine.weights=null", f"refine.steps={STEPS}"),
        *("accelerator=cpu", "threads=1", "logger=none", *words),
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flown")
    write_flights(folder / "datasets" / "aerial")
    write_photos(folder / "data")
    write_heights(folder / "dem.tif")
    return folder


@pytest.fixture(scope="module")
def memory(root: Path) -> Path:
    """A run over a mosaic, killed once while its network was trained."""
    plain, steps = config(root), list[int]()
    run, original = Path(plain["paths"]["run"]), registration.PlaceDraws.__call__

    def killed(self: registration.PlaceDraws, step: int) -> registration.Drawn:
        steps.append(step)
        if len(steps) == STEPS:
            raise KeyboardInterrupt
        return original(self, step)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registration, "SAVE_EVERY", 1)
        patch.setattr(map_refinement, "PROBES", 6)
        patch.setattr(registration.PlaceDraws, "__call__", killed)
        with pytest.raises(KeyboardInterrupt):
            train(plain)
        assert (run / "registration" / "training.pt").is_file()
        train({**plain, "resume": True})
    assert steps == [0, 1, 2, 2]
    return run


@pytest.fixture(scope="module")
def mapped(root: Path) -> Path:
    """A run over the photos of the training dates, with their heights."""
    held_out = f"refine.held_out_dates=['{DATES[2]}']"
    words = [f"refine.map={root / 'data'}", held_out, "refine.own_date=false", "name=mapped"]
    plain = config(root, *words, f"refine.dem={root / 'dem.tif'}", "refine.dem_above=geoid")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(map_refinement, "PROBES", 6)
        train(plain)
    return Path(plain["paths"]["run"])


def results(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "results.json").read_text())
    return found


def median_m(run: Path, method: str) -> float:
    rows = results(run)["rows"]
    return next(r["median_t_m"] for r in rows if (r["group"], r["method"]) == ("all", method))


def test_images_of_a_date_that_no_mosaic_knows_are_found(memory):
    about = results(memory)["registration"]
    assert about["map"] == "mosaic of training images"
    assert about["dates"] == list(DATES[:2])
    assert about["cell_m"] == pytest.approx(2.0, rel=0.1)
    assert about["size_m"][0] > 200
    assert median_m(memory, "pass 1") < 2.5 < median_m(memory, "retrieval") / 4
    assert median_m(memory, "shuffled image") > 10
    losses = (memory / "registration.csv").read_text().splitlines()
    assert len(losses) == 1 + STEPS
    assert not (memory / "registration").exists()


def test_a_loaded_mosaic_is_the_one_that_was_trained(memory):
    checkpoint = read_checkpoint(memory)
    found = load_localizer(checkpoint).refinement.registration
    assert found.ground.dates == DATES[:2]
    assert found.mosaic.photo.dtype == torch.uint8
    assert found.mosaic.photo.float().std() > 20
    names = [name for name in checkpoint.state if name.endswith(".photo")]
    assert names == ["refinement.registration.mosaic.photo"]


def test_an_image_is_asked_with_a_hint_of_the_position_alone(memory, root):
    image = root / "datasets/aerial/meadow/images/f3/000002.png"
    true = last_flight().t[2].double()
    localizer = load(memory)
    found = localizer.locate(image, hint=Hint.from_position(true + WRONG, 10.0))
    assert (found.fits_map, found.landmarks, found.hint) == (True, None, "given")
    assert found.image is not None
    assert (found.image.pose.t - found.pose.t).norm() < 5.0
    assert (found.pose.t - true).norm() < 2.5
    far = localizer.locate(image, hint=Hint.from_position(true + 12 * WRONG, 3.0))
    assert (far.fits_map, far.status) == (False, "uncertain")
    assert far.image is None
    assert (far.pose.t - true - 12 * WRONG)[:2].norm() < 3


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("registration.mosaic.known", lambda known: known[:, 1:]),
        ("registration.mosaic.bounds_m", lambda bounds: bounds * torch.inf),
        ("registration.mosaic.bounds_m", lambda bounds: bounds * 0),
        ("registration.mosaic.names", lambda names: names[:4]),
        ("registration.cameras.above_m", lambda height: height * torch.inf),
        ("registration.level_m", lambda height: height - torch.inf),
        ("probe_right", lambda right: right[1:]),
        ("rule", lambda rule: rule * torch.inf),
    ],
)
def test_a_damaged_checkpoint_is_one_line(memory, tmp_path, part, change):
    content = torch.load(memory / "localizer.ckpt", weights_only=True)
    name = f"refinement.{part}"
    content["state"][name] = change(content["state"][name])
    torch.save(content, tmp_path / "localizer.ckpt")
    with pytest.raises(InputError, match=r"^checkpoint=.*localizer\.ckpt: (\w+: )?[^\n]*$"):
        load_localizer(read_checkpoint(tmp_path / "localizer.ckpt"))


def test_files_are_a_map_of_other_dates_with_heights(mapped, root):
    about = results(mapped)["registration"]
    assert about["map"] == str(root / "data")
    assert about["dates"] == list(DATES[:2])
    assert (about["own_date"], about["held_out_dates"]) == (False, [DATES[2]])
    assert about["size_m"] == pytest.approx([400, 400], abs=1)
    assert median_m(mapped, "pass 1") < 2.5
    found = load_localizer(read_checkpoint(mapped)).refinement.registration
    assert found.level_at((0.0, 0.0)) == pytest.approx(LEVEL_M, abs=0.05)
    assert not found.mosaic.photo.numel()


def test_files_that_were_moved_are_named_with_the_key_that_says_where(mapped, root, tmp_path):
    moved = tmp_path / "moved"
    shutil.move(root / "data", moved)
    try:
        with pytest.raises(InputError, match=r"refine\.map: .*data: no such file .*give map=FILES"):
            load(mapped)
        words = ["evaluate", f"checkpoint={mapped}", f"map={moved}", "inference_hint=oracle"]
        words += ["inference_hint.sigma_t_m=8", "inference_hint.sigma_r_deg=null"]
        folder = evaluate(
            compose(*words, f"paths.cache={root / 'cache'}", "accelerator=cpu", "threads=1")
        )
        assert median_m(folder, "pass 1") < 2.5
        assert results(folder)["registration"]["map"] == str(moved)
    finally:
        shutil.move(moved, root / "data")


def test_a_map_for_a_checkpoint_without_one(memory, root):
    with pytest.raises(InputError, match=r"map=.*: the checkpoint's map is not of files"):
        load(memory, map=str(root / "data"))


def test_a_scene_without_a_place_on_earth_has_no_map_of_files(root, tmp_path):
    write_flights(tmp_path / "datasets" / "aerial", georeferenced=False)
    plain = config(tmp_path, f"refine.map={root / 'data'}")
    with pytest.raises(InputError, match=r"refine\.map=.*no place on Earth"):
        train(plain)
