"""Aerial scenes flown over level ground with a texture, on dates that look different, and GeoTIFFs of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import rasterio
import torch
from fakes import numbers
from ground import LEVEL_M, PIXELS, RESOLUTION_M, SIZE, cameras, ground, rendered, texture
from torch import Tensor

from hinted_posenet.core.geodesy import Origin
from hinted_posenet.core.geometry import invert
from hinted_posenet.core.types import Pose

DATES = ("2018-06-01", "2019-07-02", "2020-08-03")  # the last one is of the test alone
ORIGIN = Origin(7.9, 46.3, 650.0, "geoid")
FLIGHTS = {
    "f0": ("train", 0, 16),
    "f1": ("train", 1, 16),
    "f2": ("val", 0, 6),
    "f3": ("test", 2, 6),
}


def colours() -> Tensor:
    """The ground on all dates (D, 3, SIZE, SIZE): one texture with other colours, and changes of its own."""
    base, change = texture(), texture(len(DATES), seed=5)
    gain = torch.tensor([1.0, 0.7, 0.85]).view(-1, 1, 1, 1)
    shift = torch.tensor([0.0, 0.2, -0.05]).view(-1, 1, 1, 1)
    return (0.8 * (gain * base + shift) + 0.2 * change).clamp(0, 1)


def write_flights(root: Path, scene: str = "meadow", georeferenced: bool = True) -> Path:
    """Write an aerial scene, whose heights above ground are stated."""
    over, folder = ground(colours()), root / scene
    names = ("qw", "qx", "qy", "qz", "tx", "ty", "tz")
    pose_of = ",".join(f"T_cam_world_{part}" for part in names)
    prior = ",".join(f"prior_{column}" for column in pose_of.split(","))
    head = f"name,split,flight,season,date,solar_hour,time_s,{pose_of},{prior}"
    rows, above_m = [f"{head},prior_sigma_t_m,prior_sigma_r_deg"], []
    for number, (flight, (split, date, count)) in enumerate(FLIGHTS.items()):
        pose = cameras(count, seed=number)
        views = rendered(over, pose, photo=date)
        t, q = invert(pose.t.double(), pose.q.double())
        for i in range(count):
            name = f"{flight}/{i:06d}.png"
            path = folder / "images" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = (views.image[i] * 255).round().byte().permute(1, 2, 0).numpy()
            cv2.imwrite(str(path), pixels[..., ::-1])
            stated = numbers(q[i].numpy(), t[i].numpy()).replace(" ", ",")
            rows.append(f"{name},{split},{flight},summer,{DATES[date]},,{i},{stated},{',' * 8}")
            above_m.append(float(pose.t[i, 2]) - LEVEL_M)
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    camera = {"fx": 70.0, "fy": 70.0, "cx": 32.0, "cy": 32.0, "distortion": []}
    counts = {
        split: sum(count for of, _, count in FLIGHTS.values() if of == split)
        for split in ("train", "val", "test")
    }
    manifest = {
        "format": "hinted_posenet aerial",
        "version": 2,
        "scene": scene,
        "camera": {"width": PIXELS, "height": PIXELS, **camera},
        "map": {"image": "map.jpg", "bounds_m": [-200.0, -200.0, 200.0, 200.0]},
        "counts": counts,
        "altitude_m": above_m,
    }
    if georeferenced:
        manifest["origin"] = ORIGIN._asdict()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def write_photos(folder: Path) -> Path:
    """Write a GeoTIFF of the ground for each date."""
    folder.mkdir(parents=True, exist_ok=True)
    half_m = SIZE * RESOLUTION_M / 2
    place = rasterio.transform.from_origin(-half_m, half_m, RESOLUTION_M, RESOLUTION_M)
    shape = {"width": SIZE, "height": SIZE, "count": 3, "dtype": "uint8"}
    for date, photo in zip(DATES, (colours() * 255).round().byte().numpy(), strict=True):
        path = folder / f"photo_{date.replace('-', '')}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", crs=ORIGIN.projection, transform=place, **shape
        ) as file:
            file.write(photo)
    return folder


def write_heights(path: Path) -> Path:
    """Write a GeoTIFF of altitudes: the ground is level, and z counts from the origin's altitude."""
    half_m = SIZE * RESOLUTION_M / 2
    place = rasterio.transform.from_origin(-half_m, half_m, 10.0, 10.0)
    size = int(2 * half_m / 10)
    shape = {"width": size, "height": size, "count": 1, "dtype": "float32"}
    with rasterio.open(
        path, "w", driver="GTiff", crs=ORIGIN.projection, transform=place, **shape
    ) as file:
        file.write(np.full((1, size, size), ORIGIN.altitude_m + LEVEL_M, np.float32))
    return path


def last_flight() -> Pose:
    """True poses of the test flight."""
    return cameras(FLIGHTS["f3"][2], seed=3)
