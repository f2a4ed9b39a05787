"""The picture of answers over a map: the image lies where the answer says, and prior and answer are marked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from maps import K, down, photo_of, write_map
from matplotlib.figure import Figure

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.query_camera import given_camera
from hinted_posenet.inference.estimate_row import EstimateRow, Located
from hinted_posenet.show import map_picture
from hinted_posenet.show.map_picture import caption, write_map_picture
from hinted_posenet.show.map_square import MAP_CELLS
from hinted_posenet.simulator.world.map_files import MapFiles

POSE = down(15.0, -20.0, 300.0, heading_deg=40.0)
SIGMA = torch.tensor([2.0, 2.0, 3.0, 0.01, 0.01, 0.02], dtype=torch.float64)


@pytest.fixture
def files(tmp_path: Path) -> MapFiles:
    return MapFiles(*write_map(tmp_path, height_m=200.0), "ellipsoid")


def located(pose: Pose = POSE) -> Located:
    off = Pose(POSE.t + torch.tensor([30.0, -10.0, 0.0]), POSE.q)
    hint = Hint.from_pose(off, [20.0, 5.0], [2.0, 5.0])
    row = EstimateRow("a.jpg", pose, SIGMA.square().diag(), "ok")
    return Located(row, photo_of(POSE, 200.0), hint, given_camera(K))


@pytest.fixture
def figure(monkeypatch: pytest.MonkeyPatch, files: MapFiles) -> Figure:
    found: list[Any] = []
    monkeypatch.setattr(map_picture, "save_figure", lambda figure, *_: found.append(figure))
    write_map_picture(Path("a.png"), [located()], files)
    return found[0]


def test_the_image_lies_where_it_was_taken(figure: Figure) -> None:
    """Squares of the image and of the map make one picture, since the answer is the truth."""
    _, _, fit = figure.axes
    mixed = np.asarray(fit.images[0].get_array(), float)
    edge = MAP_CELLS // 4
    inner = mixed[edge:-edge, edge:-edge]
    steps = np.abs(np.diff(inner, axis=1)).mean(axis=(0, 2))
    # the borders of the squares, at known columns, are no steeper than what lies between them
    step = round(MAP_CELLS / map_picture.MARGIN / map_picture.SQUARES)
    borders = [c - edge - 1 for c in range(0, MAP_CELLS, step) if edge < c < MAP_CELLS - edge]
    assert steps[borders].mean() < 2.5 * np.median(steps) + 1


def test_prior_and_answer_are_on_the_map_with_axes_in_metres(figure: Figure) -> None:
    _, place, _ = figure.axes
    low, high = place.get_xlim()
    marks = {
        tuple(line.get_xydata()[0].round(3)) for line in place.lines if len(line.get_xdata()) == 1
    }
    assert marks == {(15.0, -20.0), (45.0, -30.0)}
    assert low < 45 - 49 and high > 45 + 49, "the prior's ellipse is in view"
    assert place.get_xlabel().endswith("in m")
    assert "2024-07-10" in place.get_title(loc="left")


def test_the_caption_says_where_and_how_well(files: MapFiles) -> None:
    text = caption(located(), files.origin)
    assert "46.999820°, 8.000197° \N{PLUS-MINUS SIGN} 2.0 m per axis" in text
    assert "altitude 300.0 \N{PLUS-MINUS SIGN} 3.0 m above the ellipsoid" in text
    assert "heading 40.0 \N{PLUS-MINUS SIGN} 1.1°; 31.6 m from the prior" in text


def test_images_without_an_answer_are_drawn_too(files: MapFiles, tmp_path: Path) -> None:
    lost = EstimateRow.unanswered("b.jpg", "no prior of the position")
    shown = [located(), Located(lost, photo_of(POSE, 200.0)), Located(lost, None)]
    write_map_picture(tmp_path / "a.jpg", shown, files)
    assert (tmp_path / "a.jpg").stat().st_size > 30_000


def test_a_prior_that_knows_little_does_not_shrink_the_image(
    files: MapFiles, tmp_path: Path
) -> None:
    one = located()
    wide = Hint.from_pose(one.hint.pose, [30_000.0, 5.0], 5.0)
    write_map_picture(tmp_path / "a.png", [one._replace(hint=wide)], files)


def test_another_format_is_refused(files: MapFiles) -> None:
    with pytest.raises(InputError, match=r"preview=a.svg: expected one of .jpg"):
        write_map_picture(Path("a.svg"), [located()], files)
