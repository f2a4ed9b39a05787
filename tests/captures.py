"""Tiny data sets as ACE, LLFF, kapture, Polycam and Record3D lay them out, with the dots of `fakes`."""

import json
from pathlib import Path

import numpy as np
from fakes import FOCAL_PX, HEIGHT, WIDTH, Camera, camera, draw, numbers

SPLITS = {"a": "train", "b": "train", "c": "val", "d": "test"}
CENTER = [WIDTH / 2, HEIGHT / 2]


def write_ace(root: Path, scene: str = "pantry", frames: int = 4) -> Path:
    """Sequences 1 and 2 for training, 3 for the test; calibrations of the second are matrices."""
    folder = root / scene
    for sequence in (1, 2, 3):
        above = folder / ("test" if sequence == 3 else "train")
        for kind in ("rgb", "poses", "calibration"):
            (above / kind).mkdir(parents=True, exist_ok=True)
        for frame in range(frames):
            view = camera(sequence, frame)
            stem = f"seq-{sequence:02d}-frame-{frame:06d}"
            focal_px = FOCAL_PX + 8 * (sequence == 2)
            draw(above / "rgb" / f"{stem}.color.png", view, focal_px)
            rows = [numbers(row) for row in [*camera_to_world(view), np.eye(4)[3]]]
            (above / "poses" / f"{stem}.pose.txt").write_text("\n".join(rows) + "\n")
            K = f"{focal_px} 0 32\n0 {focal_px} 24\n0 0 1\n"
            calibration = K if sequence == 2 else f"{focal_px}\n"
            (above / "calibration" / f"{stem}.calibration.txt").write_text(calibration)
    return folder


def write_llff(root: Path, scene: str = "fern", frames: int = 4) -> Path:
    """One recording, with images of two endings, lists of the splits and a file that is no image."""
    folder = root / scene
    rows, names = [], []
    for i, view in enumerate(views_of(frames)):
        names.append(f"images/IMG_{i:03d}.{'JPG' if i % 2 else 'png'}")
        draw(folder / names[-1], view)
        right, down, ahead = view.R.T
        pose = np.stack([down, right, -ahead, view.t, [HEIGHT, WIDTH, FOCAL_PX]], axis=1)
        rows.append([*pose.ravel(), 1.5, 40.0])
    (folder / "images" / "notes.txt").write_text("no image\n")
    np.save(folder / "poses_bounds.npy", np.array(rows))
    write_lists(folder, names)
    return folder


def write_kapture(root: Path, scene: str = "plaza", frames: int = 4) -> Path:
    """Folders a-d for the splits; the cameras of b and d are on a rig, on another rig, and have another lens."""
    folder = root / scene
    sensors = folder / "sensors"
    tables = {
        "sensors": [
            f"phone, , camera, SIMPLE_PINHOLE, {WIDTH}, {HEIGHT}, {FOCAL_PX}, 32, 24",
            f"left, GoPro, camera, PINHOLE, {WIDTH}, {HEIGHT}, {FOCAL_PX + 8}, {FOCAL_PX + 8}, 32, 24",
            "gps, , gnss, EPSG:4326",
        ],
        "rigs": [],
        "trajectories": [],
        "records_camera": [],
    }
    # camera_from_mount and mount_from_car
    mounts = {("mount", "left"): camera(50, 0), ("car", "mount"): camera(51, 0)}
    for (rig, device), mounted in mounts.items():
        pose = csv(mounted.q_cam_world, mounted.t_cam_world)
        tables["rigs"].append(f"{rig}, {device}, {pose}")
    names = []
    for i, view in enumerate(views_of(frames)):
        sequence, rigged = "abcd"[i // frames], "abcd"[i // frames] in "bd"
        names.append(f"{sequence}/{i % frames}.png")
        draw(sensors / "records_data" / names[-1], view, FOCAL_PX + 8 * rigged)
        device = "left" if rigged else "phone"
        tables["records_camera"].append(f"{1000 + i}, {device}, {names[-1]}")
        R, t = view.R.T, view.t_cam_world  # world to camera
        if rigged:
            for mounted in mounts.values():  # undo them, the camera's first
                R, t = mounted.R @ R, mounted.R @ t + mounted.t
        pose = csv(quaternion(R), t)
        tables["trajectories"].append(f"{1000 + i}, {'car' if rigged else 'phone'}, {pose}")
    for table, rows in tables.items():
        lines = ["# kapture format: 1.1", "# columns", *rows]
        (sensors / f"{table}.txt").write_text("\n".join(lines) + "\n")
    write_lists(folder, names)
    return folder


def write_polycam(root: Path, scene: str = "loft", frames: int = 4) -> Path:
    """One scan, with adjusted cameras and others as recorded, which are elsewhere."""
    folder = root / scene
    names = []
    for i, view in enumerate(views_of(frames)):
        stem = f"{59838142000 + 33333 * i}"
        names.append(f"keyframes/corrected_images/{stem}.jpg")
        draw(folder / names[-1], view)
        draw(folder / "keyframes" / "images" / f"{stem}.jpg", view)
        for kind, shift in (("corrected_cameras", 0.0), ("cameras", 0.5)):
            rows = opengl(view._replace(t=view.t + shift))
            entries = {f"t_{row}{col}": rows[row, col] for row in range(3) for col in range(4)}
            entries |= {"fx": FOCAL_PX, "fy": FOCAL_PX, "cx": CENTER[0], "cy": CENTER[1]}
            entries |= {"width": WIDTH, "height": HEIGHT, "timestamp": int(stem), "blur_score": 9.5}
            path = folder / "keyframes" / kind / f"{stem}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(entries))
    write_lists(folder, names)
    return folder


def write_record3d(root: Path, scene: str = "desk", frames: int = 4) -> Path:
    """One recording as an unpacked .r3d file; more than ten frames if ``frames`` is above 2."""
    folder = root / scene
    poses, cameras, names = [], [], []
    for i, view in enumerate(views_of(frames)):
        names.append(f"rgbd/{i}.jpg")
        focal_px = FOCAL_PX + i
        draw(folder / names[-1], view, focal_px)
        w, *xyz = quaternion(opengl(view)[:, :3])
        poses.append([*xyz, w, *view.t])
        cameras.append([focal_px, focal_px, *CENTER])
    metadata = {"w": WIDTH, "h": HEIGHT, "fps": 60, "dw": 192, "dh": 256, "poses": poses}
    metadata["K"] = [FOCAL_PX, 0, 0, 0, FOCAL_PX, 0, *CENTER, 1]  # by columns
    metadata["perFrameIntrinsicCoeffs"] = cameras
    (folder / "metadata").write_text(json.dumps(metadata))
    write_lists(folder, names)
    return folder


def views_of(frames: int) -> list[Camera]:
    return [camera(sequence, frame) for sequence in range(4) for frame in range(frames)]


def write_lists(folder: Path, names: list[str]) -> None:
    """The first half for training, a quarter for validation, a quarter for the test."""
    quarter = len(names) // 4
    lists = {"train": names[: 2 * quarter], "val": names[2 * quarter : 3 * quarter]}
    for split, part in (lists | {"test": names[3 * quarter :]}).items():
        (folder / f"{split}.txt").write_text("\n".join(part) + "\n")


def camera_to_world(view: Camera) -> np.ndarray:
    """(3, 4)"""
    return np.column_stack([view.R, view.t])


def opengl(view: Camera) -> np.ndarray:
    """(3, 4), camera to world, of a camera with y up that looks along -z"""
    right, down, ahead = view.R.T
    return np.stack([right, -down, -ahead, view.t], axis=1)


def quaternion(R: np.ndarray) -> np.ndarray:
    """(4,) wxyz: the eigenvector of Davenport's matrix"""
    K = np.array(
        [
            [np.trace(R), R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]],
            [0, R[0, 0] - R[1, 1] - R[2, 2], R[0, 1] + R[1, 0], R[0, 2] + R[2, 0]],
            [0, 0, R[1, 1] - R[0, 0] - R[2, 2], R[1, 2] + R[2, 1]],
            [0, 0, 0, R[2, 2] - R[0, 0] - R[1, 1]],
        ]
    )
    return np.linalg.eigh(K, UPLO="U")[1][:, -1]


def csv(*parts: np.ndarray) -> str:
    return numbers(*parts).replace(" ", ", ")
