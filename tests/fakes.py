"""Tiny data sets in the true on-disk layouts: every image shows one dot where DOT_WORLD projects.

Projection and quaternions are written out here in numpy, independent of the package under test.
"""

import json
import struct
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

DOT_WORLD = np.array([0.3, -0.2, 4.0])  # metres; in front of every fake camera
DOT_RGB = (255, 150, 40)
WIDTH, HEIGHT = 64, 48
FOCAL_PX = 52.5  # 7-Scenes' 525 px at 640x480, a tenth of the size


class Camera(NamedTuple):
    q: np.ndarray  # (4,) wxyz, R_world_cam
    t: np.ndarray  # (3,) center in the world, metres

    @property
    def R(self) -> np.ndarray:  # noqa: N802
        w, x, y, z = self.q
        return np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )

    @property
    def q_cam_world(self) -> np.ndarray:
        return self.q * [1, -1, -1, -1]

    @property
    def t_cam_world(self) -> np.ndarray:
        return -self.R.T @ self.t


def camera(sequence: int, frame: int) -> Camera:
    """A camera near the origin that looks roughly along +z, another for each sequence and frame."""
    rng = np.random.default_rng(1000 * sequence + frame)
    q = np.concatenate([[1.0], rng.uniform(-0.06, 0.06, 3)])
    return Camera(q / np.linalg.norm(q), rng.uniform(-0.3, 0.3, 3))


def project(view: Camera, focal_px: float, width: int, height: int) -> np.ndarray:
    """Pixel (2,) of DOT_WORLD; the center of the top-left pixel is (0.5, 0.5)."""
    x, y, z = view.R.T @ (DOT_WORLD - view.t)
    return np.array([focal_px * x / z + width / 2, focal_px * y / z + height / 2])


def draw(
    path: Path, view: Camera, focal_px: float = FOCAL_PX, width: int = WIDTH, height: int = HEIGHT
) -> None:
    """Write an image with a Gaussian dot (sigma 1.5 px) on black."""
    u, v = project(view, focal_px, width, height)
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    dot = np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 1.5**2))
    bgr = dot[..., None] * np.array(DOT_RGB[::-1])
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [] if path.suffix.lower() != ".jpg" else [cv2.IMWRITE_JPEG_QUALITY, 100]
    assert cv2.imwrite(str(path), bgr.round().astype(np.uint8), options)


def numbers(*parts: np.ndarray) -> str:
    return " ".join(f"{value:.17g}" for part in parts for value in np.ravel(part))


def write_cambridge(root: Path, scene: str = "KingsCollege", frames: int = 4) -> Path:
    """Sequences 1-3 for training (frames, 2 * frames, 3 * frames images), 4 for the test."""
    folder = root / scene
    labels: dict[str, list[str]] = {"train": [], "test": []}
    nvm = []
    for sequence, count in enumerate([frames, 2 * frames, 3 * frames, frames], start=1):
        for frame in range(5, 5 + count):
            view = camera(sequence, frame)
            stem = f"seq{sequence}/frame{frame:05d}"
            focal_px = FOCAL_PX + frame % 10  # each image has its own
            draw(folder / f"{stem}.png", view, focal_px)
            sign = (-1) ** frame  # real labels have w < 0 too
            pose = numbers(view.t, sign * view.q_cam_world * (1 + 0.01 * (frame % 10)))
            labels["test" if sequence == 4 else "train"].append(f"{stem}.png {pose}")
            focal_1920_px = focal_px * 1920 / WIDTH
            nvm.append(
                f"{stem}.jpg\t{focal_1920_px} {numbers(view.q_cam_world)} {numbers(view.t)} 0.01 0"
            )
    header = ["Visual Landmark Dataset V1", "ImageFile, Camera Position [X Y Z W P Q R]", ""]
    for split, lines in labels.items():
        (folder / f"dataset_{split}.txt").write_text("\n".join([*header, *lines]) + "\n")
    points = ["", "1", "0.1 0.2 0.3 10 20 30 1 0 5 1.0 2.0"]
    (folder / "reconstruction.nvm").write_text(
        "\n".join(["NVM_V3 ", "", str(len(nvm)), *nvm, *points])
    )
    return folder


def write_seven_scenes(
    root: Path, scene: str = "redkitchen", frames: int = 4, suffix: str = "png"
) -> Path:
    """Sequences 1, 2 and 12 for training, 3 for the test; frames start at 7 and skip numbers."""
    folder = root / scene
    for sequence in (1, 2, 3, 12):
        for frame in range(7, 7 + 3 * frames, 3):
            view = camera(sequence, frame)
            stem = folder / f"seq-{sequence:02d}" / f"frame-{frame:06d}"
            draw(stem.with_suffix(f".color.{suffix}"), view)
            rows = [numbers(view.R[i], view.t[i]) for i in range(3)]
            stem.with_suffix(".pose.txt").write_text("\n".join([*rows, "0 0 0 1"]) + "\n")
    (folder / "TrainSplit.txt").write_text("sequence1\nsequence2\nsequence12\n")
    (folder / "TestSplit.txt").write_text("sequence3\n")
    return folder


def write_sfm_poses(root: Path, scene: str = "redkitchen", focal_px: float = 630.0) -> None:
    """The SfM ground truth of what `write_seven_scenes` wrote: 0.5 m along x, and another focal length."""
    folder = root / "pgt" / "sfm" / "7scenes"
    folder.mkdir(parents=True)
    for split, sequences in (("train", (1, 2, 12)), ("test", (3,))):
        lines = []
        for sequence in sequences:
            for path in sorted((root / scene / f"seq-{sequence:02d}").glob("*.pose.txt")):
                view = camera(sequence, int(path.name[6:12]))
                moved = view._replace(t=view.t + np.array([0.5, 0, 0]))
                name = f"seq-{sequence:02d}/{path.name[:12]}.color.png"
                lines.append(f"{name} {numbers(view.q_cam_world, moved.t_cam_world)} {focal_px}")
        (folder / f"{scene}_{split}.txt").write_text("\n".join(lines) + "\n")


def write_twelve_scenes(root: Path, scene: str = "apt1/kitchen", frames: int = 4) -> Path:
    """Sequence 0 for the test, 1 and 2 for training, numbered on through all of them."""
    folder = root / scene
    (folder / "data").mkdir(parents=True)
    lines = []
    for sequence in range(3):
        first, last = sequence * frames, (sequence + 1) * frames - 1
        lines.append(f"sequence{sequence} [frames={frames}]  [start={first} ; end={last}]")
        for frame in range(first, last + 1):
            view = camera(sequence, frame)
            stem = folder / "data" / f"frame-{frame:06d}"
            draw(stem.with_suffix(".color.jpg"), view)
            rows = [numbers(view.R[i], view.t[i]) for i in range(3)]
            stem.with_suffix(".pose.txt").write_text("\n".join([*rows, "0 0 0 1"]) + "\n")
    (folder / "split.txt").write_text("\n".join(lines) + "\n")
    matrix = f"{FOCAL_PX} 0 {WIDTH / 2} 0 0 {FOCAL_PX} {HEIGHT / 2} 0 0 0 1 0 0 0 0 1"
    info = [f"m_colorWidth = {WIDTH}", f"m_colorHeight = {HEIGHT}", "m_depthShift = 1000"]
    (folder / "info.txt").write_text(
        "\n".join([*info, f"m_calibrationColorIntrinsic = {matrix}"]) + "\n"
    )
    return folder


def write_aerial(root: Path, scene: str = "prairie", frames: int = 4, priors: bool = False) -> Path:
    """Two training flights, one for validation, one for the test in another season."""
    folder = root / scene
    pose = ",".join(f"T_cam_world_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
    prior = ",".join(f"prior_{column}" for column in pose.split(","))
    sigmas = "prior_sigma_t_m,prior_sigma_r_deg"
    rows = [f"name,split,flight,season,date,solar_hour,time_s,{pose},{prior},{sigmas}"]
    flights = {"f0": "train", "f1": "train", "f2": "val", "f3": "test"}
    for number, (flight, split) in enumerate(flights.items()):
        season, date = ("winter", "2018-01-15") if split == "test" else ("summer", "2017-07-01")
        for frame in range(frames):
            view = camera(number, frame)
            name = f"{flight}/{frame:06d}.jpg"
            draw(folder / "images" / name, view)
            T_cam_world = numbers(view.q_cam_world, view.t_cam_world).replace(" ", ",")
            sensed = f"{T_cam_world},0.1,1" if priors else "," * 8
            where = f"{name},{split},{flight},{season},{date},12.5,{frame}"
            rows.append(f"{where},{T_cam_world},{sensed}")
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    manifest = {
        "format": "hinted_posenet aerial",
        "version": 2,
        "scene": scene,
        "camera": {
            "width": WIDTH,
            "height": HEIGHT,
            "fx": FOCAL_PX,
            "fy": FOCAL_PX,
            "cx": WIDTH / 2,
            "cy": HEIGHT / 2,
            "distortion": [],
        },
        "map": {"image": "map.jpg", "bounds_m": [-1.0, -1.0, 1.0, 1.0]},
        "counts": {"train": 2 * frames, "val": frames, "test": frames},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_colmap(root: Path, scene: str = "tower", frames: int = 4, binary: bool = False) -> Path:
    """Folders a and b for training, c for validation, d for the test; two cameras, 2-D points to skip."""
    folder = root / scene
    model = folder / "sparse" / "0"
    model.mkdir(parents=True)
    focal_px = {7: FOCAL_PX, 9: FOCAL_PX + 8}
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    images = []
    splits = {"a": "train", "b": "train", "c": "val", "d": "test"}
    for number, (sequence, split) in enumerate(splits.items()):
        for frame in range(frames):
            view, camera_id = camera(number, frame), 7 if frame % 2 else 9
            name = f"{sequence}/my image {frame}.png"  # a space, as COLMAP allows in binary
            draw(folder / "images" / name, view, focal_px[camera_id])
            lists[split].append(name)
            images.append((frame + 10 * number, view, camera_id, name))
    points = [(1.5, 2.5, -1), (3.5, 4.5, 12)]
    images.reverse()  # COLMAP sorts by nothing that we may rely on
    if binary:
        data = struct.pack("<Q", len(focal_px))
        for camera_id, focal in focal_px.items():  # model 1 is PINHOLE
            data += struct.pack(
                "<iiQQ4d", camera_id, 1, WIDTH, HEIGHT, focal, focal, WIDTH / 2, HEIGHT / 2
            )
        (model / "cameras.bin").write_bytes(data)
        data = struct.pack("<Q", len(images))
        for image_id, view, camera_id, name in images:
            data += struct.pack("<i7di", image_id, *view.q_cam_world, *view.t_cam_world, camera_id)
            data += name.encode() + b"\0" + struct.pack("<Q", len(points))
            data += b"".join(struct.pack("<ddq", *point) for point in points)
        (model / "images.bin").write_bytes(data)
    else:
        lines = [
            f"{i} SIMPLE_PINHOLE {WIDTH} {HEIGHT} {f} {WIDTH / 2:g} {HEIGHT / 2:g}"
            for i, f in focal_px.items()
        ]
        (model / "cameras.txt").write_text("\n".join(["# cameras", *lines]) + "\n")
        lines = ["# images", "# of two lines each"]
        for image_id, view, camera_id, name in images:
            pose = numbers(view.q_cam_world, view.t_cam_world)
            lines += [f"{image_id} {pose} {camera_id} {name}"]
            lines += ["" if image_id % 2 else " ".join(f"{x} {y} {i}" for x, y, i in points)]
        (model / "images.txt").write_text("\n".join(lines) + "\n")
    for split, names in lists.items():
        (model / f"{split}.txt").write_text("\n".join(names) + "\n")
    return folder


def write_transforms(root: Path, scene: str = "fox", frames: int = 4) -> Path:
    """Folders a and b for training, c for validation, d for the test; sequence b has its own focal length."""
    folder = root / scene
    splits = {"a": "train", "b": "train", "c": "val", "d": "test"}
    whole: dict[str, object] = {"camera_model": "OPENCV", "fl_x": FOCAL_PX, "fl_y": FOCAL_PX}
    whole |= {"cx": WIDTH / 2, "cy": HEIGHT / 2, "w": WIDTH, "h": HEIGHT, "k1": 0.0, "p1": 0.0}
    entries, names = [], {split: [] for split in ("train", "val", "test")}
    for number, (sequence, split) in enumerate(splits.items()):
        for frame in range(frames):
            view = camera(number, frame)
            name = f"{sequence}/{frame}.png"
            own = {"fl_x": FOCAL_PX + 8, "fl_y": FOCAL_PX + 8} if sequence == "b" else {}
            draw(folder / name, view, float(own.get("fl_x", FOCAL_PX)))
            right, down, ahead = view.R.T  # axes of the camera in the world, as OpenCV has them
            columns = np.stack([right, -down, -ahead, view.t], axis=1)
            rows = [*columns.tolist(), [0, 0, 0, 1]]
            entries.append({"file_path": name, "transform_matrix": rows, **own})
            names[split].append(name)
    whole |= {"frames": entries, **{f"{split}_filenames": names[split] for split in names}}
    (folder / "transforms.json").write_text(json.dumps(whole))
    return folder


def write_tum(root: Path, scene: str = "office", frames: int = 4) -> Path:
    """Frames of sequences 0 and 1 for training, 2 for validation, 3 for the test; one has no pose near.

    Poses come 50 times a second and not with the images; those far from an image are of another camera.
    """
    folder = root / scene
    began_s = 1305031102.16
    stamps = ["# color images", "# file: 'x.bag'", "# timestamp filename"]
    poses = ["# ground truth trajectory", "# timestamp tx ty tz qx qy qz qw"]
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for i in range(4 * frames + 1):
        view, time_s = camera(i // frames, i % frames), began_s + 0.2 * i
        name = f"rgb/{time_s:.6f}.png"
        draw(folder / name, view)
        stamps.append(f"{time_s:.6f} {name}")
        if i < 4 * frames:
            lists[("train", "train", "val", "test")[i // frames]].append(name)
            w, *xyz = view.q
            for offset_s, pose in ((-0.013, camera(99, i)), (0.006, view), (0.019, camera(98, i))):
                t = view.t if pose is view else pose.t
                q = [*xyz, w] if pose is view else [0, 0, 0, 1]
                poses.append(f"{time_s + offset_s:.4f} {numbers(t, np.array(q))}")
    (folder / "rgb.txt").write_text("\n".join(stamps) + "\n")
    (folder / "groundtruth.txt").write_text("\n".join(poses) + "\n")
    (folder / "cameras.txt").write_text(
        f"1 SIMPLE_PINHOLE {WIDTH} {HEIGHT} {FOCAL_PX} {WIDTH / 2:g} {HEIGHT / 2:g}\n"
    )
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    return folder


def write_csv(root: Path, scene: str = "garden", frames: int = 4, inverse: bool = False) -> Path:
    """Sequences a and b for training, c for validation, d for the test; b has its own focal length.

    Poses are T_world_cam, or with ``inverse`` T_cam_world.
    """
    folder = root / scene
    frame = "T_cam_world" if inverse else "T_world_cam"
    pose = ",".join(f"{frame}_{part}" for part in ("qw", "qx", "qy", "qz", "tx", "ty", "tz"))
    rows = [f"name,split,sequence,time_s,{pose},fx,fy,cx,cy,width,height,tag_weather"]
    splits = {"a": "train", "b": "train", "c": "val", "d": "test"}
    for number, (sequence, split) in enumerate(splits.items()):
        for i in range(frames):
            view = camera(number, i)
            focal_px = FOCAL_PX + 8 * (sequence == "b")
            name = f"{sequence}/{i}.png"
            draw(folder / "images" / name, view, focal_px)
            q, t = (view.q_cam_world, view.t_cam_world) if inverse else (view.q, view.t)
            row = [name, split, sequence, str(i / 10), *numbers(q, t).split()]
            row += [
                f"{focal_px}",
                f"{focal_px}",
                f"{WIDTH / 2:g}",
                f"{HEIGHT / 2:g}",
                f"{WIDTH}",
                f"{HEIGHT}",
            ]
            rows.append(",".join([*row, "rain" if split == "test" else "sun"]))
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    return folder
