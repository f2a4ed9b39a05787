"""What is exported reads back to the same poses, cameras and pixels, in every format."""

import csv
import math
from pathlib import Path

import cv2
import numpy as np
import pycolmap
import pytest
import torch
from layouts import READERS
from omegaconf import OmegaConf
from poses import random_poses
from torch import Tensor
from torch.utils.data import default_collate

from hinted_posenet.core.extensions import config_folder
from hinted_posenet.core.geometry import invert, rotate, rotation_angle
from hinted_posenet.core.types import Pose, View
from hinted_posenet.data.cameras import intrinsics
from hinted_posenet.data.decode import decoded
from hinted_posenet.data.distortion import Fisheye, distorted
from hinted_posenet.data.formats import colmap
from hinted_posenet.data.formats.export import write_views
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.inference.build import build

FORMATS = sorted(path.stem for path in (config_folder() / "format").glob("*.yaml"))
WIDTH, HEIGHT = 96, 72
LENS = (-0.12, 0.05, 0.004, -0.003, 0.02)  # barrel; moves the corners by pixels
SPLITS = ("train", "val", "test")


def layout(name: str):
    return build(OmegaConf.load(config_folder() / "format" / f"{name}.yaml"), "format")


def make_views(
    folder: Path,
    poses: Pose,
    Ks: list[Tensor],
    distortion: tuple[float, ...] = (),
    ahead: Tensor | None = None,
    suffix: str = "png",
) -> dict[str, list[View]]:
    """Views in the sequences s0..s3; the dot of each image is where its point lies, through the lens.

    The point is 5 m ahead of the camera, a little off the axis, or ``ahead`` (3,) in the camera frame.
    """
    views: dict[str, list[View]] = {split: [] for split in SPLITS}
    for i in range(len(poses.t)):
        K = Ks[i % len(Ks)]
        sequence = f"s{i % 4}"
        split = ("train", "train", "val", "test")[i % 4]
        name = f"{sequence}/picture-{i}.{suffix}"
        point = torch.tensor([0.9, -0.7, 5.0]) if ahead is None else ahead
        shown = distorted((point[None, :2] / point[2]).double().numpy(), distortion)
        x, y = np.arange(WIDTH) + 0.5, np.arange(HEIGHT)[:, None] + 0.5
        u, v = K[:2, :2].numpy() @ shown[0] + K[:2, 2].numpy()
        dot = 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * 1.5**2))
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), dot[..., None] * np.array([0.2, 0.6, 1.0]))
        pose = Pose(poses.t[i], poses.q[i])
        tags = {"season": "winter" if split == "test" else "summer"}
        views[split].append(View(name, path, pose, K, sequence, tags, None, 0.5 * i, distortion))
    return views


def round_trip(
    views: dict[str, list[View]], name: str, folder: Path
) -> list[tuple[str, View, str, View]]:
    """Export and read back: (split, view, split read, view read), matched by names.csv."""
    wanted = layout(name)
    write_views(views, "x", wanted, folder)
    with (folder / "names.csv").open() as file:
        sources = {row["name"]: row["source"] for row in csv.DictReader(file)}
    _, read, _ = READERS[wanted.reads_back]
    found = {
        sources[view.name]: (split, view)
        for split in SPLITS
        for view in read(folder.parent, folder.name, split)
    }
    assert found.keys() == {view.name for part in views.values() for view in part}
    return [(split, view, *found[view.name]) for split in SPLITS for view in views[split]]


@pytest.mark.parametrize("half_extent_m", [1.0, 50e3, 5e6])
@pytest.mark.parametrize("name", FORMATS)
def test_poses_and_cameras_come_back(tmp_path: Path, name: str, half_extent_m: float) -> None:
    poses = random_poses(40, seed=3, dtype=torch.float64, half_extent_m=half_extent_m)
    K = intrinsics(90 / 7, 90 / 7, WIDTH / 2, HEIGHT / 2)
    views = make_views(tmp_path / "source", poses, [K])
    for split, before, split_read, after in round_trip(views, name, tmp_path / "out"):
        assert (
            float((before.T_world_cam.t - after.T_world_cam.t).norm())
            < 1e-13 * half_extent_m + 1e-12
        )
        angle = float(rotation_angle(before.T_world_cam.q, after.T_world_cam.q))
        assert math.degrees(angle) < 1e-10
        assert torch.equal(before.K, after.K)
        assert after.distortion == ()
        keeps = layout(name).keeps_validation
        assert split_read == (split if keeps or split != "val" else "train")
        assert np.array_equal(decoded(before.image), decoded(after.image))


def dot_by_pose(view: View, point: Tensor) -> Tensor:
    """Pixel (2,) of a point (3,) in the world, in the pinhole of the view."""
    t, q = invert(*view.T_world_cam)
    u: Tensor = view.K @ (rotate(q, point) + t)
    return u[:2] / u[2]


def dot_in_image(view: View) -> Tensor:
    image = default_collate([PosedImages([view], HEIGHT, WIDTH)[0]]).query.image[0]
    red = (image[0] - 0.1).clamp_min(0)
    x, y = torch.arange(WIDTH) + 0.5, torch.arange(HEIGHT) + 0.5
    return torch.stack([(red.sum(0) @ x), (red.sum(1) @ y)]) / red.sum()


AXES = {
    "one pinhole": ([(90.0, 90.0, 48.0, 36.0)], ()),
    "own focal lengths": ([(90.0, 90.0, 48.0, 36.0), (80.0, 80.0, 48.0, 36.0)], ()),
    "off the middle, not square": ([(90.0, 85.0, 50.0, 33.0)], ()),
    "a lens": ([(90.0, 90.0, 48.0, 36.0)], LENS),
    "a lens without k3": ([(90.0, 85.0, 50.0, 33.0)], (*LENS[:4], 0.0)),
    "a rational lens": ([(90.0, 85.0, 50.0, 33.0)], (*LENS, 0.03, -0.02, 0.01)),
    "a fisheye": ([(90.0, 90.0, 48.0, 36.0)], Fisheye(0.05, -0.01)),
    "a fisheye with a thin prism": (
        [(90.0, 85.0, 50.0, 33.0)],
        Fisheye(0.05, -0.01, 0.0, 0.0, 0.004, -0.003, 0.02, 0.01),
    ),
}


@pytest.mark.parametrize("camera", AXES)
@pytest.mark.parametrize("name", FORMATS)
def test_dot(tmp_path: Path, name: str, camera: str) -> None:
    numbers, distortion = AXES[camera]
    poses = random_poses(8, seed=5, dtype=torch.float64, half_extent_m=50e3)
    views = make_views(tmp_path / "source", poses, [intrinsics(*n) for n in numbers], distortion)
    ahead = torch.tensor([0.9, -0.7, 5.0]).double()
    for _, before, _, after in round_trip(views, name, tmp_path / "out"):
        point = rotate(before.T_world_cam.q, ahead) + before.T_world_cam.t
        assert float((dot_by_pose(after, point) - dot_in_image(after)).abs().max()) < 0.1
        assert float((dot_by_pose(after, point) - torch.tensor([48.0, 36.0])).norm()) > 10
        if layout(name).keeps_validation:  # formats with full cameras lose nothing
            assert type(after.distortion) is type(before.distortion)
            assert after.distortion == before.distortion and torch.equal(after.K, before.K)
            assert after.image.read_bytes() == before.image.read_bytes()
        else:
            assert after.distortion == ()


@pytest.mark.parametrize("distortion", [(), LENS, (*LENS[:4], 0.0)])
@pytest.mark.parametrize("name", ["colmap_text", "colmap_binary"])
def test_colmap_itself_reads_the_same(
    tmp_path: Path, name: str, distortion: tuple[float, ...]
) -> None:
    poses = random_poses(12, seed=8, dtype=torch.float64, half_extent_m=50e3)
    Ks = [intrinsics(90.1, 85.2, 50.3, 33.4), intrinsics(80.0, 80.0, 48.0, 36.0)]
    views = make_views(tmp_path / "source", poses, Ks, distortion)
    round_trip(views, name, tmp_path / "out")
    model = pycolmap.Reconstruction(tmp_path / "out" / "sparse" / "0")
    assert len(model.cameras) == 2 and len(model.points3D) == 0
    images = {image.name: image for image in model.images.values()}
    everything = [view for part in views.values() for view in part]
    assert images.keys() == {view.name for view in everything}
    for view in everything:
        image = images[view.name]
        assert np.abs(image.projection_center() - view.T_world_cam.t.numpy()).max() < 1e-9
        point = torch.tensor([0.9, -0.7, 5.0]).double()
        in_world = rotate(view.T_world_cam.q, point) + view.T_world_cam.t
        lens = np.array(view.distortion or (0.0,) * 5)
        seen, _ = cv2.projectPoints(
            point.numpy()[None], np.zeros(3), np.zeros(3), view.K.numpy(), lens
        )
        assert np.abs(image.project_point(in_world.numpy()) - seen.ravel()).max() < 1e-6


@pytest.mark.parametrize("binary", [False, True])
def test_we_read_what_colmap_writes(tmp_path: Path, binary: bool) -> None:
    poses = random_poses(12, seed=9, dtype=torch.float64, half_extent_m=50e3)
    views = make_views(tmp_path / "source", poses, [intrinsics(90.1, 85.2, 50.3, 33.4)], LENS)
    round_trip(views, "colmap_text", tmp_path / "out")
    folder = tmp_path / "out" / "sparse" / "0"
    model = pycolmap.Reconstruction(folder)
    for path in [*folder.glob("cameras.*"), *folder.glob("images.*")]:
        path.unlink()
    (model.write_binary if binary else model.write_text)(folder)
    for split in SPLITS:
        for before, after in zip(
            views[split], colmap.read_views(tmp_path, "out", split), strict=True
        ):
            assert before.name == after.name and before.distortion == after.distortion
            assert float((before.T_world_cam.t - after.T_world_cam.t).norm()) < 1e-8
            assert float(rotation_angle(before.T_world_cam.q, after.T_world_cam.q)) < 1e-12
            assert torch.allclose(before.K, after.K, rtol=1e-14)
