"""How well `hinted-posenet locate` does where the map is one photo: images are views of it by another camera.

    python benchmarks/registration_photo.py --map ../shared/data/aerial/swissimage_naters --insert docs/map.md

Nothing on the ground changes between image and map, so this bounds what the geometry and the search can do at a
scale; other dates are what `benchmarks/registration.py` measures. The ground is taken as level. The hint is that
of its first row: a GPS of 50 m, a height to 8 %, no compass, and a camera that looks down to 3 degrees.
"""

import argparse
import math
import time
from pathlib import Path

import torch
from registration_sensors import Sensors, drawn
from torch import Generator, Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import one_line_errors
from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.tables import insert_text, markdown_table, text_table
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.map_localizer import MapLocalizer, open_map
from hinted_posenet.models.registration.map_ground import FilesGround, Frame
from hinted_posenet.training.practice import DOWN, rendered, through_sensor

SIDE_PX, FOCAL_PX = 224, 194.0  # 60 degrees
HEADING_DEG, TILT_DEG = 20.0, 3.0  # at most, of what is flown
# sigmas of a position: as many as 90 of 100 answers are off by at most, and beyond which an answer is wrong
WITHIN_90, WRONG, FAR_M = 2.50, 3.0, 5.0
# of the height above ground: how far the map has to reach around what is seen, beside three sigmas of the GPS
ROOM, GPS_M = 0.7, 50.0


def main() -> None:
    """Locate views from some heights; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--map", type=Path, required=True)
    add("--heights_m", type=float, nargs="+", default=[120.0, 250.0])
    add("--images", type=int, default=30, help="from each height")
    add("--weights", default="released", help="or a file")
    add("--seed", type=int, default=0)
    add("--insert", type=Path, help="a page with the marker 'registration photo'")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    over_map = open_map(asked.map, weights=asked.weights)
    generator = torch.Generator().manual_seed(asked.seed)
    rows: list[tuple[str, ...]] = [
        (
            "height above ground",
            "median",
            "95 %",
            "in 90 %",
            "called right",
            "far off of all",
            "CPU an image",
        )
    ]
    for height_m in asked.heights_m:
        found = [
            located(over_map, height_m, generator)
            for _ in tqdm(range(asked.images), f"from {height_m:g} m", leave=False)
        ]
        rows.append((f"{height_m:g} m", *summary(torch.tensor(found, dtype=torch.float64))))
    print(text_table(rows))
    if asked.insert:
        insert_text(asked.insert, "registration photo", markdown_table(rows))


def located(over_map: MapLocalizer, height_m: float, generator: Generator) -> tuple[float, ...]:
    """Return the error of one view in metres and in sigmas, whether it is called right, and CPU seconds."""
    pose = drawn_pose(over_map, height_m, generator)
    K = torch.tensor([[FOCAL_PX, 0, SIDE_PX / 2], [0, FOCAL_PX, SIDE_PX / 2], [0, 0, 1]])
    x, y, _ = pose.t.tolist()
    ground = FilesGround(over_map.files, Frame(over_map.origin, torch.zeros(3)), altitude_m=0.0)
    cells = 2 * math.ceil(ROOM * height_m / ground.resolution_m)
    patch = ground.patch((x, y), cells, ground.resolution_m)
    shift = torch.tensor([x, y, 0.0], dtype=torch.float64)
    camera = Pose((pose.t - shift).float().unsqueeze(0), pose.q.float().unsqueeze(0))
    image = through_sensor(rendered(patch.local(), camera, K.unsqueeze(0), SIDE_PX), generator)[0]
    pixels = (image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    seed = int(torch.randint(2**31, (), generator=generator))
    many = Pose(pose.t.unsqueeze(0), pose.q.unsqueeze(0))
    prior = drawn(many, 0.0, Sensors(gps_m=GPS_M), seed)
    started = time.process_time()
    answer = over_map.locate(
        pixels, K, Hint(Pose(prior.pose.t[0], prior.pose.q[0]), prior.covariance[0])
    )
    spent_s = time.process_time() - started
    off_m = answer.pose.t - pose.t
    sigmas = float((off_m @ torch.linalg.solve(answer.covariance[:3, :3], off_m)).sqrt())
    return float(off_m.norm()), sigmas, float(answer.status == "ok"), spent_s


def drawn_pose(over_map: MapLocalizer, height_m: float, generator: Generator) -> Pose:
    """Draw a camera () that looks down, so that the map holds what it shows and what its prior allows."""
    box = over_map.files.bounds
    room_m = ROOM * height_m + 3 * GPS_M
    east, north, turn, tilt, way = torch.rand(5, generator=generator, dtype=torch.float64).tolist()
    x = box.xmin + room_m + east * (box.width_m - 2 * room_m)
    y = box.ymin + room_m + north * (box.height_m - 2 * room_m)
    heading_rad = math.radians(HEADING_DEG) * (2 * turn - 1)
    tilt_rad, way_rad = math.radians(TILT_DEG) * tilt, 2 * math.pi * way
    tilted = torch.tensor([math.cos(way_rad), math.sin(way_rad), 0.0]) * tilt_rad
    q = compose_rotvec(DOWN, torch.tensor([0.0, 0.0, heading_rad]))
    return Pose(torch.tensor([x, y, height_m]).double(), compose_rotvec(q, tilted).double())


def summary(found: Tensor) -> tuple[str, ...]:
    """Return the cells of a row, from what `located` returned of images (N, 4)."""
    off_m, sigmas, called_right, spent_s = found.unbind(dim=1)
    wrong = (off_m > FAR_M) & (sigmas > WRONG) & (called_right > 0)
    return (
        f"{off_m.quantile(0.5):.2f} m",
        f"{off_m.quantile(0.95):.2f} m",
        f"{(sigmas < WITHIN_90).double().mean():.0%}",
        f"{called_right.mean():.0%}",
        f"{wrong.double().mean():.1%}",
        f"{1e3 * spent_s.mean():.0f} ms",
    )


if __name__ == "__main__":
    with one_line_errors():
        main()
