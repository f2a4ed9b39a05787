"""Every data set that the package reads: the fake, its reader, the name of its scene; how they complain."""

from collections.abc import Callable
from pathlib import Path

import captures
import fakes
import pytest
import surveys

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View
from hinted_posenet.data.formats import (
    ace,
    aerial,
    anyvisloc,
    cambridge,
    colmap,
    csv_frames,
    kapture,
    llff,
    ortholoc,
    polycam,
    record3d,
    seven_scenes,
    transforms,
    tum,
    twelve_scenes,
    uav_visloc,
)

READERS: dict[str, tuple[Callable[..., Path], Callable[..., list[View]], str]] = {
    "cambridge": (fakes.write_cambridge, cambridge.read_views, "KingsCollege"),
    "seven_scenes": (fakes.write_seven_scenes, seven_scenes.read_views, "redkitchen"),
    "twelve_scenes": (fakes.write_twelve_scenes, twelve_scenes.read_views, "apt1/kitchen"),
    "aerial": (fakes.write_aerial, aerial.read_views, "prairie"),
    "colmap": (fakes.write_colmap, colmap.read_views, "tower"),
    "transforms": (fakes.write_transforms, transforms.read_views, "fox"),
    "tum": (fakes.write_tum, tum.read_views, "office"),
    "csv": (fakes.write_csv, csv_frames.read_views, "garden"),
    "ace": (captures.write_ace, ace.read_views, "pantry"),
    "llff": (captures.write_llff, llff.read_views, "fern"),
    "kapture": (captures.write_kapture, kapture.read_views, "plaza"),
    "polycam": (captures.write_polycam, polycam.read_views, "loft"),
    "record3d": (captures.write_record3d, record3d.read_views, "desk"),
    "ortholoc": (surveys.write_ortholoc, ortholoc.read_views, "full"),
    "anyvisloc": (surveys.write_anyvisloc, anyvisloc.read_views, "Scene_03"),
    "uav_visloc": (surveys.write_uav_visloc, uav_visloc.read_views, "03"),
}


def assert_says(call: Callable[[], object], *words: str) -> None:
    """One line that holds all the words is raised."""
    with pytest.raises(InputError) as error:
        call()
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
