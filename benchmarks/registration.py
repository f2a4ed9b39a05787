"""How well an aerial image is registered from a hint, by a learned network, by gradient correlation and by SIFT.

The table of the NAIP scene (simulated by scripts/study_hints.sh), median errors of the position::

    python benchmarks/registration.py --photos ../shared/data/aerial/naip_north_dakota --every 2

Rows: the map is the orthophotos of the training dates, where an image's own date is left out; or with it, which
shows what is lost between dates; or a mosaic of the training images, no more than what training knows. The hint
is a GPS of 50 m without rotation, or retrieval. Every answer is written to
``runs/aerial/<scene>/registration-<map>-<hint>/seed-<n>``; what is there already is not done again.
"""

import argparse
import time
from collections.abc import Callable
from itertools import groupby, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from hinted_posenet.cli.compose import compose
from hinted_posenet.core.errors import one_line_errors
from hinted_posenet.core.offset import NO_OFFSET
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint, Pose, Sample
from hinted_posenet.data.posed_images import identity, stack
from hinted_posenet.evaluation.bootstrap import bootstrap_interval
from hinted_posenet.evaluation.frames_file import Floats
from hinted_posenet.evaluation.predictions import HINT_ANSWER, ORACLE, MethodAnswer, Role
from hinted_posenet.evaluation.run_files import by_title, read_runs
from hinted_posenet.evaluation.write_run import frames_of, provenance, write_run
from hinted_posenet.hints.gaussian import log_uniform, perturb
from hinted_posenet.hints.prior import OracleHint
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.models.encoding import SceneFrame
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.models.registration.gradient_correlation import GradientCorrelation
from hinted_posenet.models.registration.ground_map import GroundMap, map_of_world, mosaic
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistrationHead,
    ground_registration,
)
from hinted_posenet.models.registration.sift import SiftRegistration
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld
from hinted_posenet.training.run import read_scene
from hinted_posenet.training.scene import Scene

GPS_M = 50.0
BATCH, LEARNING_RATE = 8, 5e-3
SIGMA_T_M, SIGMA_R_RAD = (3.0, 30.0), (0.005, 0.05)  # of the training hints
MAPS, HINTS = ("photos", "own", "memory"), ("gps", "retrieval")
NAMES = {
    "photos": "orthophotos of other dates",
    "own": "orthophotos, also its own",
    "memory": "training images",
    "gps": f"GPS 50 m {ORACLE}",
    "retrieval": "retrieval",
}
DESCRIBED = {  # in results.json
    "gps": {"name": "oracle", "sigma_t_m": GPS_M, "sigma_r_deg": None, "seed": 1},
    "retrieval": {"name": "retrieval"},
}
ROWS = 10  # images that are located at a time


class Cell(NamedTuple):
    """A run."""

    root: Path  # of the scene's runs
    seed: int
    map: str
    hint: str

    @property
    def folder(self) -> Path:
        """Where it is written."""
        return self.root / f"registration-{self.map}-{self.hint}" / f"seed-{self.seed}"


class Images(NamedTuple):
    """A split: pixels, poses, and the photo of each image's own date (-1: none)."""

    sample: Sample  # images as uint8 (N, 3, H, W)
    photo: Tensor  # (N,) int64


def main() -> None:
    """Run what is left of every map, seed and hint; then print the table."""
    arguments = parse()
    torch.set_num_threads(1)
    # of a frozen backbone's features, for the retrieval hint
    config = compose("train", "data=aerial", f"data.scene={arguments.scene}", "threads=1")
    root = Path(config["paths"]["runs"]) / "aerial" / arguments.scene
    cells = [Cell(root, *cell) for cell in product(arguments.seeds, MAPS, HINTS)]
    left = [cell for cell in cells if not (cell.folder / "results.json").is_file()]
    if left:
        register(arguments, config, left)
    rows = table([cell.folder for cell in cells])
    print(text_table(rows))
    if arguments.insert:
        insert_text(Path(arguments.insert), "registration", markdown_table(rows))


def register(arguments: argparse.Namespace, config: dict[str, Any], left: list[Cell]) -> None:
    """Train a network for each map and seed, locate from each hint, write."""
    scene = read_scene(config, offset_m=NO_OFFSET)  # its map is in the world
    scene.views[arguments.split] = scene.views[arguments.split][:: arguments.every]
    dates = list(dict.fromkeys(view.tags["date"] for view in scene.views["train"]))
    train, split = images(scene, "train", dates), images(scene, arguments.split, dates)
    K = train.sample.query.K[0]
    world = OrthophotoWorld(str(arguments.photos))
    ground = {"photos": map_of_world(world, dates), "memory": memory_of(train, world)}
    hints = hints_of(config, scene, split, arguments.split)
    for (seed, remembers), group in groupby(left, lambda cell: (cell.seed, cell.map == "memory")):
        started = time.monotonic()
        over = ground["memory" if remembers else "photos"]
        model = trained(over, K, train, seed, arguments.steps)
        for cell in group:
            hint = hints[cell.hint]
            methods = {"registration network": network(model)}
            if cell.map == "photos" and seed == arguments.seeds[0]:  # nothing in them is drawn
                methods |= {name: reference(make, over, K) for name, make in REFERENCES.items()}
            answers = {"hint as the answer": hint.pose}
            for method, locate in methods.items():
                answers[method] = located(locate, split, hint, len(dates), cell.map == "photos")
            write(cell, config, scene, arguments.split, split, answers, started)


def parse() -> argparse.Namespace:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder of the orthophotos")
    parser.add_argument("--scene", default="naip")
    parser.add_argument("--split", default="test", choices=("val", "test"))
    parser.add_argument("--every", type=int, default=1, help="locate every n-th image only")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument(
        "--insert", metavar="FILE", help="also put the table between its registration markers"
    )
    return parser.parse_args()


def images(scene: Scene, split: str, dates: list[str]) -> Images:
    """Load a whole split into memory."""
    loaded = []
    for batch in DataLoader(scene.images(split, whole=True), 100, collate_fn=identity):
        pixels = (batch.query.image * 255).round().to(torch.uint8)
        loaded.append(batch._replace(query=batch.query._replace(image=pixels)))
    own = [view.tags["date"] for view in scene.views[split]]
    return Images(stack(loaded), torch.tensor([dates.index(d) if d in dates else -1 for d in own]))


def memory_of(train: Images, world: OrthophotoWorld) -> GroundMap:
    """Build a mosaic of the training images for each date, at the resolution of the orthophotos."""
    query, truth = train.sample.query, train.sample.T_world_cam
    size_m = world.pixel_grid.resolution_m
    return mosaic(query.image / 255, truth, query.K[0], train.photo, size_m)


def hints_of(config: dict[str, Any], scene: Scene, split: Images, name: str) -> dict[str, Hint]:
    """Return a simulated GPS and retrieval with its sigma on validation; missing rotations are the mean one."""
    localizer, cpu = build_localizer(config), torch.device("cpu")
    train = scene.features(localizer.model, "train", cpu)
    retrieval, frame = RetrievalHint(), SceneFrame()
    retrieval.fit(train.T_world_cam, train.query.feature, scene.sequences())
    frame.fit(train.T_world_cam)
    val = scene.features(localizer.model, "val", cpu)
    retrieval.calibrate(retrieval.at_inference(val.query, val.query.feature), val.T_world_cam)
    asked = scene.features(localizer.model, name, cpu)
    return {
        "gps": frame.resolve(
            OracleHint(GPS_M, None, seed=1).simulate_reading(split.sample.T_world_cam)
        ),
        "retrieval": retrieval.at_inference(asked.query, asked.query.feature),
    }


def trained(ground_map: GroundMap, K: Tensor, train: Images, seed: int, steps: int) -> PoseNet:
    """Train a network of this seed from hints drawn around training poses."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    model = ground_registration(ground_map, K)
    pixels, truth = train.sample.query.image, train.sample.T_world_cam
    model.fit(truth, pixels, train.photo)
    optimizer = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.15
    )
    model.train()
    for _ in tqdm(range(steps), f"train, seed {seed}", leave=False):
        rows = torch.randint(len(pixels), (BATCH,), generator=generator)
        some = Pose(truth.t[rows], truth.q[rows])
        sigma_t_m, sigma_r_rad = (
            log_uniform(*s, BATCH, generator) for s in (SIGMA_T_M, SIGMA_R_RAD)
        )
        pose = perturb(some, sigma_t_m, sigma_r_rad, generator)
        hint = Hint.isotropic(pose, sigma_t_m, sigma_r_rad)
        loss = model.own_loss(pixels[rows] / 255, hint, some)
        assert loss is not None
        optimizer.zero_grad()
        loss.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return model.eval()


# images, hints, photos of the map that may be looked at (D,) bool -> poses
Locate = Callable[[Tensor, Hint, Tensor], Pose]
REFERENCES = {"gradient correlation": GradientCorrelation, "SIFT": SiftRegistration}


def network(model: PoseNet) -> Locate:
    """Return the network over its map."""
    head = model.head
    assert isinstance(head, GroundRegistrationHead)

    def locate(image: Tensor, hint: Hint, allowed: Tensor) -> Pose:
        head.allowed.copy_(allowed)
        pose: Pose = model(image, hint)
        return pose

    return locate


def reference(make: Any, ground_map: GroundMap, K: Tensor) -> Locate:
    """Return a baseline, likewise."""

    def locate(image: Tensor, hint: Hint, allowed: Tensor) -> Pose:
        pose: Pose = make(ground_map, K, allowed).locate(image, hint)
        return pose

    return locate


@torch.no_grad()
def located(locate: Locate, split: Images, hint: Hint, photos: int, without_own: bool) -> Pose:
    """Poses (N,) of a split, images of one date at a time, that date's photo left out where asked."""
    t, q = torch.empty_like(hint.pose.t), torch.empty_like(hint.pose.q)
    for photo in split.photo.unique():
        allowed = torch.arange(photos) != (photo if without_own else -1)
        same = torch.nonzero(split.photo == photo)[:, 0]
        for rows in tqdm(torch.split(same, ROWS), "locate", leave=False):
            pose = Pose(hint.pose.t[rows], hint.pose.q[rows])
            some = Hint(pose, hint.covariance[rows])
            t[rows], q[rows] = locate(split.sample.query.image[rows] / 255, some, allowed)
    return Pose(t, q)


def write(
    cell: Cell,
    config: dict[str, Any],
    scene: Scene,
    split_name: str,
    split: Images,
    answers: dict[str, Pose],
    started: float,
) -> None:
    """Write the files that every run has."""
    roles: dict[str, Role] = {HINT_ANSWER: "hint", "registration network": "network"}
    found = [
        MethodAnswer(name, roles.get(name, "control"), pose, oracle=cell.hint == "gps")
        for name, pose in answers.items()
    ]
    about = {
        "name": cell.folder.parent.name,
        "data": scene.identity,
        "split": split_name,
        "seed": cell.seed,
        "oracle": cell.hint == "gps",
        "inference_hint": DESCRIBED[cell.hint],
        "frames": {name: len(views) for name, views in scene.views.items()},
        "excluded_frames": scene.excluded,
        "card_notes": scene.card_notes,
        "map": scene.map,
        "wall_time_s": round(time.monotonic() - started, 1),
        **provenance("cpu"),
        "config": {**config, "name": cell.folder.parent.name, "seed": cell.seed},
    }
    frames, train = (frames_of(scene.views[name]) for name in (split_name, "train"))
    recall_m_deg = config["data"]["recall_m_deg"]
    write_run(cell.folder, about, frames, train, found, split.sample.T_world_cam, recall_m_deg)


def table(folders: list[Path]) -> list[list[str]]:
    """Medians over frames, averaged over seeds, with their bootstrap 95 % intervals."""
    runs = read_runs(folders)
    in_groups = runs[0].results["frame_groups"]
    groups = {
        name: np.array([name in of_frame for of_frame in in_groups])
        for name in ("dates seen in training", "unseen dates")
    }
    rows = [["map", "hint", "method", "seeds", *groups]]
    for seeds in by_title(runs).values():
        _, map_name, hint = seeds[0].results["name"].split("-")
        for method in seeds[0].methods:
            of_method = [run.methods[method] for run in seeds if method in run.methods]
            errors = np.stack([poses.error_t_m for poses in of_method])
            cells = [error_cell(errors[:, frames]) for frames in groups.values()]
            named = [NAMES[map_name], NAMES[hint], method, str(len(of_method))]
            rows.append([*named, *cells])
    return rows


def error_cell(errors_m: Floats) -> str:
    """Of (seeds, N) errors."""
    low, high = bootstrap_interval(errors_m)
    return f"{np.median(errors_m, axis=1).mean():.1f} m [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    with one_line_errors():
        main()
