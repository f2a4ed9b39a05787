"""How well images of an unseen date are located over a map of other dates, by Ground Registration and others.

    hinted-posenet simulate recipe=naip
    python benchmarks/registration.py --weights released runs/aerial/naip/ground_registration --insert docs/map.md

Three tables: methods from the same hint, what each sensor's prior is worth, and how often an answer that is called
right is far off when the ground, the image, the hint or the map are not as they should be. The map consists of the
dates of the training flights, never the image's own. Each answer is a line of ``answers.jsonl``; a run that was
interrupted continues there.
"""

import argparse
import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from registration_damage import PAINTED, Elsewhere, Hole, damaged
from registration_gradient import correlated
from registration_matches import Matcher, sift, xfeat
from registration_sensors import SENSORS, Sensors, drawn
from registration_tables import tables
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import InputError, one_line_errors
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint, Pose, View
from hinted_posenet.data.formats.aerial import read_views
from hinted_posenet.data.load_image import load_image
from hinted_posenet.inference.locate import load
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.models import registration
from hinted_posenet.models.registration.array_ground import ArrayGround
from hinted_posenet.models.registration.ground import Ground
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    Surroundings,
    take_surroundings,
)
from hinted_posenet.models.registration.search import Views
from hinted_posenet.simulator.world.orthophoto import OrthophotoWorld

PLAIN = "position"  # the hint that all methods are compared from
OUTSIDE, OTHER_PLACE, WRONG_HINT = "outside the map", "map of another place", "hint 400 m off"
WRONG_M = 400.0
SEEN = 0.5  # of the height above ground: radius of the ground in an image, which a map that ends there lacks


class Answer(NamedTuple):
    """To one image."""

    hint: Hint  # (1,) pose and covariance
    stated: bool  # whether the covariance is the method's own
    fits: bool = True  # whether the method takes the image for one of the map


# image, prior, surroundings, photos that may be looked at
Locate = Callable[[Views, Hint, Surroundings, Tensor], Answer]


class Case(NamedTuple):
    """What one image is located from."""

    name: str
    sensors: Sensors
    change: str = ""  # of the image or the map


CASES = [Case(name, sensors) for name, sensors in SENSORS.items()]
CASES += [Case(name, Sensors(), name) for name in (*PAINTED, OUTSIDE, OTHER_PLACE)]
CASES += [Case(WRONG_HINT, Sensors(wrong_m=WRONG_M))]


def main() -> None:
    """Locate what is left; then print the tables."""
    arguments = parse()
    torch.set_num_threads(1)
    networks = {name: network(name) for name in arguments.weights}
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "answers.jsonl"
    done = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []
    scene = arguments.scene.parent, arguments.scene.name
    train = {view.tags["date"] for view in read_views(*scene, "train")}
    views = read_views(*scene, "test")[:: arguments.every]
    left = list(_left(views, networks, arguments, done))
    if left:
        ground = ArrayGround.of_world(OrthophotoWorld(str(arguments.photos)), sorted(train))
        with file.open("a") as lines:
            for view, seed, case, methods in tqdm(left, "locate"):
                for row in located(ground, view, seed, case, methods):
                    done.append(row)
                    lines.write(json.dumps(row) + "\n")
                lines.flush()
    wanted = {view.name for view in views}
    digests = {name: digest for name, (digest, _) in networks.items()}
    chosen = [row for row in done if row["frame"] in wanted and row["seed"] in arguments.seeds]
    chosen = [row for row in chosen if row["digest"] == digests.get(row["method"], "")]
    for name, rows in tables(
        chosen, list(networks), list(SENSORS), [c.name for c in CASES]
    ).items():
        print(f"\n{name}\n{text_table(rows)}")
        if arguments.insert:
            insert_text(arguments.insert, f"registration {name}", markdown_table(rows))


def parse() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--scene", type=Path, default=Path("simulated/aerial/naip"), help="simulated flights")
    add("--photos", type=Path, default=Path("../shared/data/aerial/naip_north_dakota"))
    add(
        "--weights",
        nargs="+",
        default=["released"],
        help="released, untrained, files, or folders of runs",
    )
    add("--every", type=int, default=1, help="locate every n-th image only")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the hints")
    add("--xfeat", default="packaged", help="weights of XFeat: packaged, default, or a file")
    add("--only", choices=("methods", "priors", "robustness"), help="one table's answers")
    add("--out", type=Path, default=Path("runs/registration"))
    add("--insert", type=Path, help="a page with markers 'registration methods', ...")
    return parser.parse_args()


def network(name: str) -> tuple[str, Locate]:
    """Return a digest of weights, and the registration by them."""
    torch.manual_seed(0)  # of untrained ones
    model = GroundRegistration()
    file = Path(name)
    if name == "released":
        file = Path(registration.__path__[0]) / "weights" / "any_place.pt"
    if file.is_dir():  # of runs, which have trained on the place
        found = load(file / "seed-0").network.refinement
        if not isinstance(found, MapRefinement):
            raise InputError(f"--weights {name}: not runs of method=ground_registration")
        model = found.registration.network
    elif name != "untrained":
        if not file.is_file():
            raise InputError(f"--weights {name}: {file} is no file of weights")
        try:
            model.load_state_dict(torch.load(file, weights_only=True))
        except (RuntimeError, UnpicklingError) as error:
            raise InputError(f"--weights {name}: not of this network; train it anew") from error
    model.eval()
    state = b"".join(value.numpy().tobytes() for value in model.state_dict().values())

    @torch.no_grad()
    def locate(views: Views, prior: Hint, around: Surroundings, allowed: Tensor) -> Answer:
        found = model(views, prior, around, allowed)
        return Answer(found.answer, True, bool(found.fits[0]))

    return hashlib.sha256(state).hexdigest()[:12] if name != "untrained" else name, locate


def controls(weights: str) -> dict[str, Locate]:
    """Return what registration is held against."""

    def by(matcher: Matcher) -> Locate:
        return lambda *asked: Answer(*matcher(*asked))

    return {
        "hint as the answer": lambda _, prior, *others: Answer(prior, True),
        "gradient correlation": lambda views, prior, *others: Answer(
            prior._replace(pose=correlated(views, prior, *others)), False
        ),
        "SIFT": by(sift()),
        "XFeat": by(xfeat(weights)),
    }


# what is to be located: with the methods, and the name in the file and the digest of each
Left = tuple[View, int, Case, dict[tuple[str, str], Locate]]


def _left(
    views: list[View],
    networks: dict[str, tuple[str, Locate]],
    arguments: argparse.Namespace,
    done: list[dict[str, Any]],
) -> Iterator[Left]:
    """Give what no line of the file answers yet."""
    known = {(r["frame"], r["seed"], r["case"], r["method"], r["digest"]) for r in done}
    ours = {(name, digest): locate for name, (digest, locate) in networks.items()}
    asked = controls(arguments.xfeat) if arguments.only in (None, "methods") else {}
    others = {(name, ""): locate for name, locate in asked.items()}
    part = {"methods": CASES[:1], "priors": CASES[: len(SENSORS)]}
    part["robustness"] = CASES[len(SENSORS) :] + CASES[:1]
    for view in views:
        for seed in arguments.seeds:
            for case in part.get(arguments.only, CASES):
                methods = ours | (others if case.name == PLAIN else {})
                here = (view.name, seed, case.name)
                rest = {key: methods[key] for key in methods if (*here, *key) not in known}
                if rest:
                    yield view, seed, case, rest


def located(
    ground: ArrayGround, view: View, seed: int, case: Case, methods: dict[tuple[str, str], Locate]
) -> Iterator[dict[str, Any]]:
    """Locate one image by some methods, one after the other, from the same hint and over the same map."""
    own_seed = int(hashlib.sha256(f"{view.name} {seed}".encode()).hexdigest()[:12], 16)
    truth = Pose(*(part.unsqueeze(0) for part in view.T_world_cam))
    pixels = torch.from_numpy(load_image(view.image).copy()).permute(2, 0, 1)
    image = pixels.unsqueeze(0).float() / 255
    place_m = float(truth.t[0, 0]), float(truth.t[0, 1])
    level_m = float(ground.patch(place_m, 64, ground.resolution_m).height_m.mean())
    over: Ground = ground
    if case.change == OUTSIDE:
        over = Hole(ground, place_m, SEEN * (float(truth.t[0, 2]) - level_m))
    elif case.change == OTHER_PLACE:
        bounds = ground.bounds
        east_m, north_m = (p - c for p, c in zip(place_m, bounds.center_m, strict=True))
        shift_m = (
            -math.copysign(bounds.width_m / 2, east_m),
            -math.copysign(bounds.height_m / 2, north_m),
        )
        over = Elsewhere(ground, shift_m)
    elif case.change:
        image = damaged(image, case.change, own_seed)
    prior = drawn(truth, level_m, case.sensors, own_seed)
    views = Views(image, view.K.float().unsqueeze(0))
    allowed = torch.tensor([[date != view.tags["date"] for date in ground.dates]])
    started = time.process_time()
    around = take_surroundings(over, views, prior)
    reading_s = time.process_time() - started
    for (name, weights), locate in methods.items():
        started = time.process_time()
        answer = locate(views, prior, around, allowed)
        spent_s = time.process_time() - started
        pose, covariance = answer.hint.pose, answer.hint.covariance[0, :3, :3].double()
        off_m = (pose.t.double() - truth.t)[0]
        sigmas = float((off_m @ torch.linalg.solve(covariance, off_m)).sqrt())
        yield {
            "frame": view.name,
            "seed": seed,
            "case": case.name,
            "method": name,
            "digest": weights,
            "unseen": view.tags["date"] not in ground.dates,
            "error_m": float(off_m.norm()),
            "horizontal_m": float(off_m[:2].norm()),
            "vertical_m": float(off_m[2].abs()),
            "error_deg": math.degrees(float(rotation_angle(pose.q.double(), truth.q))),
            "sigmas": sigmas if answer.stated else None,
            "fits": answer.fits,
            "cpu_ms": 1e3 * (reading_s + spent_s),
        }


if __name__ == "__main__":
    with one_line_errors():
        main()
