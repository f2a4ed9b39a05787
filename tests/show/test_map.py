import json
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection

from hinted_posenet.core.errors import InputError
from hinted_posenet.show.canvas import SPLIT_COLOURS
from hinted_posenet.show.map import FlightMap, flight_lines, map_figure
from hinted_posenet.show.subject import Subject


def test_the_map_is_to_scale_and_dots_lie_where_the_cameras_were(subject: Subject) -> None:
    bounds, _ = subject.overview()
    views = subject.views()
    figure = map_figure("quarters", views, bounds, np.full((8, 10, 3), 255, np.uint8))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    (left, bottom), (right, top) = axes.transData.transform([bounds[:2], bounds[2:]])
    px_per_m = (right - left) / 320
    assert (top - bottom) / 256 == pytest.approx(px_per_m)  # the same in both directions
    assert axes.get_window_extent().bounds == pytest.approx(
        (left, bottom, right - left, top - bottom)
    )
    bar = next(line for line in axes.lines if line.get_linewidth() == 4)
    assert np.ptp(bar.get_xdata()) == 50
    assert [text.get_text() for text in axes.texts] == ["50 m", "N"]

    image = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
    for view in views["test"]:
        col, row = axes.transData.transform(view.T_world_cam.t[:2].tolist())
        red = np.array(mpl.colors.to_rgb(SPLIT_COLOURS["test"])) * 255
        pixel = image[len(image) - 1 - int(row), int(col)]
        assert np.abs(pixel - red).max() < 40


def test_legend_counts_images_of_every_split(subject: Subject) -> None:
    bounds, _ = subject.overview()
    figure = map_figure("quarters", subject.views(), bounds, np.zeros((8, 10, 3), np.uint8))
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["training: 40 images", "validation: 5 images", "test: 8 images"]
    dots = [part for part in figure.axes[0].collections if isinstance(part, PathCollection)]
    assert [len(part.get_offsets()) for part in dots] == [40, 5, 8]


def test_lines_join_what_was_flown_in_order_and_nothing_else(subject: Subject) -> None:
    views = subject.views()
    lines = flight_lines(views["train"][::2] + views["train"][1::2])
    assert [len(line) for line in lines] == [20, 20]  # one a date
    for line in lines:
        assert np.linalg.norm(np.diff(line, axis=0), axis=1).max() < 80
    assert flight_lines(views["val"]) == flight_lines(views["test"]) == []


def test_it_is_written_from_the_folder_alone(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "new" / "map.jpg"
    FlightMap().draw(subject._replace(make_world=None), path)
    assert path.read_bytes()[:2] == b"\xff\xd8"
    assert list(path.parent.iterdir()) == [path]


def test_what_is_missing_is_named(subject: Subject, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no scene 'elsewhere'.*quarters"):
        FlightMap().draw(subject._replace(scene="elsewhere"), tmp_path / "map.jpg")
    shutil.copytree(subject.root / "quarters", tmp_path / "quarters")
    copy = subject._replace(root=tmp_path)
    (tmp_path / "quarters" / "map.jpg").unlink()
    with pytest.raises(InputError, match=r"map\.jpg: missing"):
        FlightMap().draw(copy, tmp_path / "map.jpg")
    manifest = tmp_path / "quarters" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"map": {}}))
    with pytest.raises(InputError, match=r"map\.bounds_m is missing"):
        FlightMap().draw(copy, tmp_path / "map.jpg")
    with pytest.raises(InputError, match=r"out=.*\.png"):
        FlightMap().draw(subject, tmp_path / "map.gif")
