"""From a video of a room, filmed with a phone, to a network that tells where in the room a photo was taken.

    python examples/room_from_phone_video.py [VIDEO] [--frames N] [--epochs N]

Without VIDEO a generated room is filmed. How to film: walk slowly, all round the room and back on another way,
past things with texture; never turn on the spot. Needs COLMAP's Python package: pip install pycolmap. Everything
goes to room/, imported/ and runs/ of the current folder; a finished step is not repeated.

The poses are in units of COLMAP's model, whose scale a video does not tell: read "m" as "units" in the tables, or
give --scale-m, how many metres a unit is: a known distance divided by the same distance in the model.
"""

import argparse
import contextlib
import sys
from pathlib import Path

import cv2
import room_video

from hinted_posenet.cli.main import main as hinted_posenet
from hinted_posenet.core.errors import InputError, one_line_errors

ROOM = Path("room")
FEATURES = 1500  # of an image, at most; matching takes time with its square
ENOUGH = 0.8  # share of the frames that a reconstruction has to place
ADVICE = "film slower, in better light, with more overlap between what you see, and never turn on the spot"
WITHOUT_PYCOLMAP = f"""pycolmap is missing: pip install pycolmap. With COLMAP itself, run
  cd {ROOM} && mkdir -p sparse
  colmap feature_extractor --database_path colmap.db --image_path images --ImageReader.single_camera 1
  colmap exhaustive_matcher --database_path colmap.db
  colmap mapper --database_path colmap.db --image_path images --output_path sparse
and then this script again"""


def main() -> None:
    """Frames, reconstruction, data set, two networks, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("video", nargs="?", type=Path, help="any that OpenCV reads")
    parser.add_argument("--frames", type=int, default=60, help="to take of it (%(default)s)")
    parser.add_argument("--epochs", type=int, default=30, help="(%(default)s)")
    parser.add_argument("--scale-m", type=float, default=1.0, help="metres of a unit of the model")
    arguments = parser.parse_args()
    with one_line_errors():
        video = arguments.video or generated_video()
        if not (ROOM / "images").is_dir():
            choose_frames(video, ROOM / "images", arguments.frames)
        if not (ROOM / "sparse" / "0").is_dir():
            reconstruct(ROOM, arguments.scale_m)
        locate(arguments.epochs)


def generated_video() -> Path:
    """Film a simulated room."""
    video = ROOM / "generated.avi"
    if not video.is_file():
        print("filming a generated room ...", flush=True)
        ROOM.mkdir(exist_ok=True)
        room_video.film(video)
    return video


def choose_frames(video: Path, folder: Path, count: int) -> None:
    """Cut the video into ``count`` equal pieces, and write the sharpest frame of each as a JPEG."""
    film = cv2.VideoCapture(str(video))
    length = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
    if length < count:
        raise InputError(
            f"{video}: {length} frames that OpenCV can read, {count} are wanted; film longer, give --frames, or "
            "turn it into an .mp4 with `ffmpeg -i VIDEO room.mp4`"
        )
    best: dict[int, tuple[float, cv2.typing.MatLike]] = {}
    for index in range(length):
        read, image = film.read()
        if not read:
            break
        piece = index * count // length
        sharpness = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var()
        if piece not in best or sharpness > best[piece][0]:
            best[piece] = sharpness, image
    folder.mkdir(parents=True)
    for piece, (_, image) in best.items():
        cv2.imwrite(str(folder / f"{piece:04d}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    print(f"{video}: the sharpest {len(best)} of {length} frames in {folder}")


def reconstruct(room: Path, scale_m: float) -> None:
    """Structure from motion by COLMAP: where each frame was taken, in room/sparse/0."""
    try:
        import pycolmap
    except ImportError:
        raise InputError(WITHOUT_PYCOLMAP) from None
    images, database = room / "images", room / "colmap.db"
    database.unlink(missing_ok=True)
    print("structure from motion ...", flush=True)
    pycolmap.logging.minloglevel = int(pycolmap.logging.ERROR)
    options = pycolmap.FeatureExtractionOptions()
    options.sift.max_num_features = FEATURES
    pycolmap.extract_features(
        database, images, camera_mode=pycolmap.CameraMode.SINGLE, extraction_options=options
    )
    pycolmap.match_exhaustive(database)
    models = pycolmap.incremental_mapping(database, images, room)
    frames = len(list(images.iterdir()))
    if not models:
        raise InputError(f"{images}: COLMAP found no two frames to begin with; {ADVICE}")
    largest = max(models.values(), key=lambda model: model.num_reg_images())
    placed = largest.num_reg_images()
    print(f"{placed} of {frames} frames placed; {largest.num_points3D()} points")
    if placed < ENOUGH * frames:
        raise InputError(
            f"{images}: COLMAP placed {placed} of {frames} frames in the largest of {len(models)} models; {ADVICE}"
        )
    largest.transform(pycolmap.Sim3d(scale_m, pycolmap.Rotation3d(), [0, 0, 0]))
    (room / "sparse" / "0").mkdir(parents=True)
    largest.write(room / "sparse" / "0")


def locate(epochs: int) -> None:
    """From here on the command line does it."""
    with contextlib.suppress(SystemExit):  # it ends with 1 where it found something, which it tells
        command("data", "check", str(ROOM), "quick=true")
    if not Path("imported/room").is_dir():
        command("data", "import", str(ROOM), "out=imported/room")
    words = ["data=csv", "paths.data=.", "data.root=imported", "data.scene=room", "resume=true"]
    words += ["data.height=192", "data.width=256", "logger=none", f"trainer.max_epochs={epochs}"]
    for method in ("posenet", "hinted_memory"):
        command("train", *words, f"method={method}")
    runs = [f"runs/csv/room/{method}/seed-0" for method in ("posenet", "hinted_memory")]
    command("compare", *runs)
    command("report", *runs, "out=runs/room.html")
    command("show", "what=run", f"run={runs[-1]}", "what.window=false", "out=runs/room.jpg")


def command(*words: str) -> None:
    """Run `hinted-posenet WORDS` in this process."""
    print("\n$ hinted-posenet", *words, flush=True)
    sys.argv = ["hinted-posenet", *words]
    hinted_posenet()


if __name__ == "__main__":
    main()
