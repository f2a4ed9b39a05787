"""Frames of a video with the poses that COLMAP finds: what `room_from_phone_video.py` needs of a video."""

from pathlib import Path

import cv2

from hinted_posenet.core.errors import InputError

FEATURES = 1500  # of an image, at most; matching takes time with its square
ENOUGH = 0.8  # share of the frames that a reconstruction has to place
ADVICE = "film slower, in better light, with more overlap between what you see, and never turn on the spot"
WITHOUT_PYCOLMAP = """pycolmap is missing: pip install pycolmap. With COLMAP itself, run
  cd {room} && mkdir -p sparse
  colmap feature_extractor --database_path colmap.db --image_path images --ImageReader.single_camera 1
  colmap exhaustive_matcher --database_path colmap.db
  colmap mapper --database_path colmap.db --image_path images --output_path sparse
and then this script with the folder {room}"""


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
        raise InputError(WITHOUT_PYCOLMAP.format(room=room)) from None
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
