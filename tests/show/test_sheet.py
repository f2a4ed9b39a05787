from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFont
from simulator.conftest import dotted_world

from hinted_posenet.core.errors import InputError
from hinted_posenet.show.canvas import write_picture
from hinted_posenet.show.sheet import (
    GAP_PX,
    HEADER_PX,
    MARGIN_PX,
    ContactSheet,
    default_views,
    moment,
)
from hinted_posenet.show.subject import Subject
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.world import Capture

from .conftest import SUMMER, WINTER, quarters


def cells(sheet: np.ndarray, rows: int, cols: int, cell_px: int) -> list[list[np.ndarray]]:
    height, width = cell_px * 3 // 4, cell_px
    tops = [HEADER_PX + i * (height + GAP_PX) for i in range(rows)]
    lefts = [MARGIN_PX + j * (width + GAP_PX) for j in range(cols)]
    return [[sheet[y : y + height, x : x + width] for x in lefts] for y in tops]


def test_every_image_has_the_place_in_its_middle() -> None:
    world = dotted_world(12.0, -7.0, np.full((2, 2), 5.0))
    views = [[40, 0], [70, 0], [50, 45], [30, 60]]
    picture = ContactSheet(center_m=[12, -7], views=views, width_px=MARGIN_PX + 4 * 106)
    sheet = picture.sheet(world, world.captures, threads=1)
    assert sheet.shape == (HEADER_PX + 75 + GAP_PX, MARGIN_PX + 4 * 106, 3)
    for cell in cells(sheet, 1, 4, 100)[0]:
        weight = cell[..., 0].astype(float) ** 2
        row, col = np.indices(weight.shape)
        middle = (weight * row).sum() / weight.sum(), (weight * col).sum() / weight.sum()
        assert middle == pytest.approx((37, 49.5), abs=2.0)  # oblique dots lean a little


def test_rows_are_captures_seen_from_the_same_poses() -> None:
    picture = ContactSheet(width_px=MARGIN_PX + 5 * 86)
    summer, winter = cells(picture.sheet(quarters(), [SUMMER, WINTER], threads=1), 2, 5, 80)
    for one, other in zip(summer, winter, strict=True):
        assert one.std() > 20  # quarters, not paper
        np.testing.assert_allclose(other, 128 + one // 2, atol=2)


@pytest.mark.parametrize("res", [0.2, 1.0, 5.0])
def test_default_views_stay_inside_and_are_told_in_round_numbers(res: float) -> None:
    world, camera = quarters(res=res), Camera(400, 300, 50.0)
    views = default_views(world, camera, (0.0, 0.0, 0.0))
    assert len({altitude_m for altitude_m, _ in views}) == 3
    assert views[2][0] > 60 * res  # no smaller than need be
    assert all(altitude_m == float(f"{altitude_m:.2g}") for altitude_m, _ in views)


def test_labels_say_when_and_fit_their_margin() -> None:
    capture = Capture("summer_afternoon", "summer", "2025-07-10", 18.5)
    texts = [text for text, *_ in moment(capture)]
    assert texts == ["summer", "afternoon", "2025-07-10", "18:30 solar time"]
    dated = [text for text, *_ in moment(Capture("2015-09-26", "autumn", "2015-09-26"))]
    assert dated == ["autumn", "2015-09-26"]
    for name in ("september_afternoon", "late_november"):
        for text, size, _ in moment(capture._replace(key=name)):
            assert ImageFont.load_default(size).getlength(text) < MARGIN_PX - 8


def test_labels_are_written_beside_the_images() -> None:
    picture = ContactSheet(width_px=MARGIN_PX + 5 * 86)
    sheet = picture.sheet(quarters(), [SUMMER, WINTER], threads=1)
    dark = sheet.max(axis=2) < 110
    for row in range(2):
        top = HEADER_PX + row * (60 + GAP_PX)
        assert dark[top : top + 40, :MARGIN_PX].sum() > 100
    assert dark[:HEADER_PX, MARGIN_PX:].sum() > 100


def test_the_file_is_as_wide_and_as_small_as_asked(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "sheet.jpg"
    ContactSheet(when=["winter", "summer", "winter"], width_px=800, max_kb=25).draw(subject, path)
    assert path.stat().st_size <= 25_000
    with Image.open(path) as image:
        assert image.size == (800, HEADER_PX + 2 * (95 + GAP_PX))  # winter once
    assert list(tmp_path.iterdir()) == [path]


def test_one_season_need_not_be_a_list(subject: Subject, tmp_path: Path) -> None:
    ContactSheet(when="winter", width_px=800).draw(subject, tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as image:
        assert image.size == (800, HEADER_PX + 95 + GAP_PX)


def test_a_jpeg_is_made_smaller_until_it_fits(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    write_picture(tmp_path / "fine.jpg", noise)
    write_picture(tmp_path / "small.jpg", noise, max_kb=40)
    fine, small = (tmp_path / f"{name}.jpg" for name in ("fine", "small"))
    assert 20_000 < small.stat().st_size <= 40_000 < fine.stat().st_size


@pytest.mark.parametrize(
    ("views", "words"),
    [
        ([], "what.views"),
        ([[100]], "what.views"),
        ([[100, 85]], r"\[100, 85\]"),
        ([[50, 0], [350, 0]], r"\[350, 0\] reaches beyond the world of 320 x 256 m"),
        ([[50, 70]], "beyond"),
        ([[50, 0]] * 30, "70 px"),
    ],
)
def test_views_that_cannot_be_are_refused(views: list[list[float]], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ContactSheet(views=views).sheet(quarters(), [SUMMER], threads=1)


def test_a_place_at_the_border_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected \[east, north\]"):
        ContactSheet(center_m=[1, 2, 3])
    with pytest.raises(InputError, match=r"what\.center_m"):
        ContactSheet(center_m=[159.9, 0]).sheet(quarters(), [SUMMER], threads=1)
