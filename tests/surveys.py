"""Tiny data sets as OrthoLoC, AnyVisLoc and UAV-VisLoc lay them out, with the dots of `fakes` and a map."""

import json
from pathlib import Path

import cv2
import numpy as np
import rasterio
from fakes import FOCAL_PX, HEIGHT, WIDTH, Camera, camera, draw
from pyproj import Proj
from rasterio.transform import from_bounds

MAP_PX = 24
CELL_M = 0.5
WEST_M, NORTH_M = -5.0, 7.0  # edges of the map
MAP_DEG = {"LT_lat_map": 32.31, "LT_lon_map": 119.90, "RB_lat_map": 32.15, "RB_lon_map": 119.94}


def angles(R: np.ndarray) -> tuple[float, float, float]:
    """Heading, pitch and roll in degrees of a camera-to-world rotation in a world of east, north, up."""
    right, down, ahead = R.T
    pitch = np.arctan2(ahead[2], np.hypot(ahead[0], ahead[1]))
    heading, roll = np.arctan2(ahead[0], ahead[1]), np.arctan2(-right[2], -down[2])
    return float(np.degrees(heading)), float(np.degrees(pitch)), float(np.degrees(roll))


def pixels(folder: Path, view: Camera, focal_px: float = FOCAL_PX) -> np.ndarray:
    """The image of a camera as RGB (H, W, 3)."""
    path = folder / "drawn.png"
    draw(path, view, focal_px)
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    path.unlink()
    return image


def opencv_intrinsics() -> np.ndarray:
    """The camera of `draw` as OpenCV has it: the center of the top-left pixel is (0, 0)."""
    return np.array([[FOCAL_PX, 0, WIDTH / 2 - 0.5], [0, FOCAL_PX, HEIGHT / 2 - 0.5], [0, 0, 1]])


def map_photo() -> np.ndarray:
    """A photo (H, W, 3) whose north-west pixel is red, and whose others tell their row and column."""
    row, col = np.mgrid[:MAP_PX, :MAP_PX]
    photo = np.stack([0 * row, 10 * row, 10 * col], axis=-1).astype(np.uint8)
    photo[0, 0] = 255, 0, 0
    return photo


def map_heights() -> np.ndarray:
    """Heights (H, W) that rise to the south, with one that is not known."""
    heights = np.repeat(np.arange(MAP_PX, dtype=np.float32)[:, None], MAP_PX, axis=1)
    heights[3, 4] = np.nan
    return heights


def rewrite(path: Path, **arrays: np.ndarray | None) -> None:
    """Replace arrays of a frame; None leaves one out."""
    with np.load(path) as found:
        kept = {**found, **arrays}
    np.savez_compressed(path, **{name: array for name, array in kept.items() if array is not None})


def write_ortholoc(root: Path, scene: str = "full", frames: int = 4) -> Path:
    """Places L01 and L02 for training, L01 for validation, L08 for the test; every frame has a map."""
    folder = root / scene
    edge_m = CELL_M * (np.arange(MAP_PX) + 0.5)
    x, y = np.meshgrid(WEST_M + edge_m, NORTH_M - edge_m)
    parts = [("train", "L01"), ("train", "L02"), ("val", "L01"), ("test_inPlace", "L08")]
    for number, (part, place) in enumerate(parts):
        for frame in range(frames):
            view, domain = camera(number, frame), "xDOPDSM" if frame % 2 else "R"
            other = "test_outPlace" if part == "test_inPlace" and frame % 2 else part
            name = f"{place}_{domain}{1000 * number + frame:04d}"
            (folder / other).mkdir(parents=True, exist_ok=True)
            T_cam_world = np.column_stack([view.R.T, view.t_cam_world])
            lifted = T_cam_world.copy()
            lifted[:, 3] += 0.25
            np.savez_compressed(
                folder / other / f"{name}.npz",
                sample_id=np.array(name),
                image_query=pixels(folder, view),
                point_map=np.zeros((HEIGHT, WIDTH, 3), np.float32),
                image_dop=map_photo(),
                dsm=np.stack([x, y, map_heights()], axis=-1),
                scale=np.array([CELL_M, -CELL_M]),
                extrinsics=T_cam_world,
                extrinsics_refined=lifted,
                intrinsics=opencv_intrinsics(),
            )
    return folder


def write_anyvisloc(root: Path, scene: str = "Scene_03", frames: int = 4) -> Path:
    """One scene with lists of the splits; y of the world is to the south, as the data set has it."""
    folder = root / scene
    folder.mkdir(parents=True)
    flip = np.diag([1.0, -1.0, 1.0])
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    for number, split in enumerate(("train", "train", "val", "test")):
        for frame in range(frames):
            view, name = camera(number, frame), f"L03_{1000 * number + frame + 1:04d}"
            heading_deg, pitch_deg, roll_deg = angles(view.R)
            pose_c2w = np.eye(4)
            pose_c2w[:3, :3], pose_c2w[:3, 3] = flip @ view.R, flip @ view.t
            np.savez_compressed(
                folder / f"{name}.npz",
                image=pixels(folder, view),
                K=opencv_intrinsics(),
                dist=np.zeros(5),
                image_size=np.array([HEIGHT, WIDTH]),
                pose_c2w=pose_c2w,
                pose_w2c=np.linalg.inv(pose_c2w),
                xyz=flip @ view.t,
                euler_deg=np.array([roll_deg, 90.0 + pitch_deg, heading_deg]),
                sample_id=np.array(name),
                scene_id=np.array(3),
            )
            lists[split].append(f"{name}.png")
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    modes = {}
    for mode in ("aerial", "satellite"):
        cv2.imwrite(str(folder / f"{mode}_map.png"), map_photo()[..., ::-1])
        np.save(folder / f"{mode}_dsm.npy", map_heights())
        modes[mode] = {
            "map_path": f"{mode}_map.png",
            "map_resolution": [CELL_M, CELL_M],
            "map_origin_local": [WEST_M, -NORTH_M],
            "dsm_path": f"{mode}_dsm.npy",
            "dsm_resolution": [2 * CELL_M, 2 * CELL_M],
            "dsm_origin_local": [-1.0, 2.0],  # from the corner of the map
        }
    reference = {"scene_id": 3, "scene_name": scene, "modes": modes}
    (folder / "L03_reference.json").write_text(json.dumps(reference))
    return folder


def write_uav_visloc(root: Path, scene: str = "03", frames: int = 4) -> Path:
    """A flight with lists of the splits, its map in degrees and the table of maps beside it."""
    folder = root / scene
    (folder / "drone").mkdir(parents=True)
    north, west, south, east = MAP_DEG.values()
    plane = Proj(f"+proj=tmerc +lat_0={(south + north) / 2!r} +lon_0={(west + east) / 2!r} +k=1")
    nose = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # from the belly's camera to the nose's
    lists: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    rows = ["num,filename,date,lat,lon,height,Omega,Kappa,Phi1,Phi2"]
    for number, split in enumerate(("train", "train", "val", "test")):
        for frame in range(frames):
            view, count = camera(number, frame), frames * number + frame + 1
            name = f"{scene}_{count:04d}.JPG"
            draw(folder / "drone" / name.replace("JPG", "jpg"), view, float(WIDTH))
            (folder / "drone" / name.replace("JPG", "jpg")).rename(folder / "drone" / name)
            longitude, latitude = plane(view.t[0], view.t[1], inverse=True)
            heading, pitch, roll = angles(view.R @ nose)
            stamp = f"2018-10-23T13:{count // 60:02d}:{count % 60:02d}"
            place = f"{latitude:.12f},{longitude:.12f},{float(view.t[2])!r}"
            rows.append(f"{count},{name},{stamp},{place},{pitch!r},{roll!r},{heading!r},0.5")
            lists[split].append(name)
    (folder / f"{scene}.csv").write_text("\n".join(rows) + "\n")
    for split, names in lists.items():
        (folder / f"{split}.txt").write_text("\n".join(names) + "\n")
    corners = ",".join(map(str, MAP_DEG.values()))
    (root / "satellite_ coordinates_range.csv").write_text(
        f"mapname,{','.join(MAP_DEG)},region\nsatellite02.tif,1,1,0,2,Elsewhere\n"
        f"satellite{scene}.tif,{corners},Taizhou-1\n"
    )
    profile = {"driver": "GTiff", "height": MAP_PX, "width": MAP_PX, "count": 3, "dtype": "uint8"}
    transform = from_bounds(west, south, east, north, MAP_PX, MAP_PX)
    with rasterio.open(
        folder / f"satellite{scene}.tif", "w", crs="EPSG:4326", transform=transform, **profile
    ) as file:
        file.write(np.moveaxis(map_photo(), -1, 0))
    return folder
