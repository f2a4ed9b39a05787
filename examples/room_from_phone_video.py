"""Where in a room was a photo taken? From a phone's video, or images with poses, to centimetres in minutes.

    python examples/room_from_phone_video.py [VIDEO or FOLDER] [--features xfeat] [--hint-m 0.3]

A FOLDER holds images whose poses are known: a COLMAP model, a transforms.json, an export of Polycam or Record3D,
or any other layout of docs/formats.md. A VIDEO gets its poses from COLMAP (pip install pycolmap): walk slowly, all
round the room and back on another way, past things with texture; never turn on the spot. Without both, photos of
a generated room are taken. Everything goes to imported/ and runs/ of the current folder; a finished step is not
repeated.

A video does not tell its scale: read "cm" as hundredths of a unit of COLMAP's model, or give --scale-m, how many
metres a unit is.
"""

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import room_video
import torch
from matplotlib.figure import Figure
from room_reconstruction import choose_frames, reconstruct

import hinted_posenet as hp
from hinted_posenet.cli.main import main as hinted_posenet
from hinted_posenet.core.covariance import moved, offset
from hinted_posenet.core.errors import one_line_errors
from hinted_posenet.core.figures import save_figure
from hinted_posenet.core.tables import text_table
from hinted_posenet.core.types import View
from hinted_posenet.data.cameras import Lens
from hinted_posenet.data.formats.csv_frames import read_views
from hinted_posenet.data.query_camera import QueryCamera
from hinted_posenet.inference.estimate import Estimate
from hinted_posenet.inference.map_marks import ellipse_95

HEADER = ["", "median", "worst", "rotation", "stated sigma", "landmarks", "certain", "ms an image"]


def main() -> None:
    """Posed images, a map of landmarks, held-out frames with and without a hint."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, help="a video, or a folder of posed images")
    parser.add_argument("--frames", type=int, default=60, help="to take (%(default)s)")
    parser.add_argument("--scale-m", type=float, default=1.0, help="metres of a unit of the model")
    parser.add_argument("--features", default="sift", help="sift, xfeat or aliked (%(default)s)")
    parser.add_argument("--hint-m", type=float, default=0.3, help="sigma of hints (%(default)s)")
    parser.add_argument("--hint-deg", type=float, default=5.0, help="(%(default)s)")
    arguments = parser.parse_args()
    with one_line_errors():
        folder = posed_images(arguments.source, arguments.frames, arguments.scale_m)
        run = train(folder, arguments.features)
        localizer = hp.load(run)
        views = read_views(Path("imported"), folder.name, "test")
        alone = located(localizer, views, [None] * len(views))
        hints = simulated_hints(views, arguments.hint_m, arguments.hint_deg)
        hinted = located(localizer, views, hints)
        name = f"image and a hint of {arguments.hint_m:g} m, {arguments.hint_deg:g} deg"
        print()
        print(text_table([HEADER, row("image alone", views, alone), row(name, views, hinted)]))
        draw(Path("runs/room.jpg"), localizer.positions_m, views, hinted)


def posed_images(source: Path | None, frames: int, scale_m: float) -> Path:
    """Return a folder of images with poses: the given one, that of a video, or a generated room."""
    if source is not None and not source.is_file():
        return source.absolute()
    folder = Path("room" if source else "generated_room").absolute()
    if source is None and not folder.is_dir():
        print("taking photos of a generated room ...", flush=True)
        room_video.write_posed(folder, frames)
    if source and not (folder / "images").is_dir():
        choose_frames(source, folder / "images", frames)
    if source and not (folder / "sparse" / "0").is_dir():
        reconstruct(folder, scale_m)
    return folder


def train(folder: Path, features: str) -> Path:
    """Return the run's folder; some of the frames are held out, whole stretches of the way at a time."""
    with contextlib.suppress(SystemExit):  # it ends with 1 where it found something, which it tells
        command("data", "check", str(folder), "quick=true")
    if not Path("imported", folder.name).is_dir():
        command("data", "import", str(folder), f"out=imported/{folder.name}")
    words = ["data=csv", "paths.data=.", "data.root=imported", f"data.scene={folder.name}"]
    words += ["method=hinted_landmarks", f"features={features}", f"name={features}_landmarks"]
    command("train", *words, "logger=none", "resume=true")
    return Path("runs/csv", folder.name, f"{features}_landmarks", "seed-0")


def simulated_hints(views: Sequence[View], sigma_m: float, sigma_deg: float) -> list[hp.Hint]:
    """Return what a sensor of that accuracy would say of each view."""
    random = np.random.default_rng(0)
    sigmas = np.repeat([sigma_m, np.radians(sigma_deg)], 3)
    wrong = torch.from_numpy(random.normal(size=(len(views), 6)) * sigmas)
    poses = [moved(view.T_world_cam, off) for view, off in zip(views, wrong, strict=True)]
    return [hp.Hint.from_pose(pose, sigma_m, sigma_deg) for pose in poses]


class Answer(NamedTuple):
    """What was answered to a view."""

    found: Estimate
    time_ms: float


def located(
    localizer: hp.Localizer, views: Sequence[View], hints: Sequence[hp.Hint | None]
) -> list[Answer]:
    """Localize views, each with its hint."""
    answers = []
    for view, hint in zip(views, hints, strict=True):
        started = time.perf_counter()
        camera = QueryCamera(Lens(view.K, view.distortion), size=view.size)
        found = localizer.locate(view.image, camera, hint, far_hint="ignore")
        answers.append(Answer(found, 1000 * (time.perf_counter() - started)))
    return answers


def row(name: str, views: Sequence[View], answers: Sequence[Answer]) -> list[str]:
    """Return a line of the table."""
    pairs = zip(views, answers, strict=True)
    off = torch.stack([offset(view.T_world_cam, one.found.pose) for view, one in pairs])
    error_m, error_deg = off[:, :3].norm(dim=1).numpy(), off[:, 3:].norm(dim=1).rad2deg().numpy()
    sigma_m = np.median([float(one.found.sigma_m.norm()) for one in answers])
    landmarks = np.median([one.found.landmarks or 0 for one in answers])
    certain = sum(one.found.status == "ok" for one in answers)
    time_ms = np.median([one.time_ms for one in answers])
    cells = [f"{100 * x:.1f} cm" for x in (np.median(error_m), error_m.max())]
    cells += [f"{np.median(error_deg):.2f} deg", f"{100 * sigma_m:.1f} cm", f"{landmarks:.0f}"]
    return [name, *cells, f"{certain} of {len(answers)}", f"{time_ms:.0f}"]


def draw(
    path: Path, training_t: torch.Tensor, views: Sequence[View], answers: Sequence[Answer]
) -> None:
    """Draw training cameras, true and answered positions and 95 % ellipses on the plane that cameras move in."""
    first, second = sorted(np.argsort(np.ptp(training_t.numpy(), axis=0))[-2:].tolist())
    plane = [first, second]
    truth = torch.stack([view.T_world_cam.t for view in views])
    answer = torch.stack([one.found.pose.t for one in answers])
    figure = Figure(figsize=(7, 7), layout="constrained")
    axes = figure.subplots()
    axes.plot(*training_t[:, plane].T, ".", color="#8c959f", label="training cameras")
    axes.plot(*truth[:, plane].T, "o", mfc="none", color="#1a7f37", label="true positions")
    axes.plot(*answer[:, plane].T, "+", color="#1f6feb", label="answers, with 95 % ellipses")
    for one in answers:
        outline = ellipse_95(one.found.covariance, (first, second))
        if outline is not None:
            axes.plot(*(outline + one.found.pose.t[plane]).T, color="#1f6feb", lw=0.8)
    axes.set(aspect="equal", xlabel=f"{'xyz'[first]} (m)", ylabel=f"{'xyz'[second]} (m)")
    axes.legend()
    save_figure(figure, path)
    print(f"written: {path}")


def command(*words: str) -> None:
    """Run `hinted-posenet WORDS` in this process."""
    print("\n$ hinted-posenet", *words, flush=True)
    sys.argv = ["hinted-posenet", *words]
    hinted_posenet()


if __name__ == "__main__":
    main()
