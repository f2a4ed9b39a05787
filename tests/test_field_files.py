"""Files as other software writes them, one folder each: HINTED_POSENET_CASES, default ../shared/cases.

Their kinds are also written from code in the tests of each reader; this holds the package against the files.
"""

import os
from pathlib import Path

import pytest

from hinted_posenet.data.checks.examine import examine, report
from hinted_posenet.data.formats.recognise import recognise
from hinted_posenet.evaluation.run_files import read_results
from hinted_posenet.evaluation.score import score_file

SHARED = Path(__file__).parents[2] / "shared"
CASES = Path(os.environ.get("HINTED_POSENET_CASES", SHARED / "cases"))
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(not CASES.is_dir(), reason=f"no folder {CASES}"),
]
SOUND = {  # data set -> what its report says
    "ace-layout": "8 train, 4 test frames",
    "cm-backslash": "24 all frames",
    "cm-fisheye-bin": "24 all frames",
    "cm-gbk": "all 24 exist",
    "cm-half-size": "K is scaled",
    "cm-no-blank-lines": "23 of 24 images have no line of 2-D points",
    "cm-one-fisheye": "24 all frames",
    "cm-two-models": "reads the model sparse/1 (21 images), not sparse/0 (5 images)",
    "cm-undistorter": "24 all frames",
    "cm-utm": "24 all frames",
    "exif-rotated": "of matched points fit the stated poses",
    "tf-3x4": "24 all frames",
    "tf-backslash": "24 all frames",
    "tf-bom": "24 all frames",
    "tf-camera-angle-only": "24 all frames",
    "tf-fisheye": "24 all frames",
    "tf-is-fisheye": "24 all frames",
    "tf-scaled-rotation": "24 all frames",
    "tum-tab": "24 all frames",
}
NOT_SOUND = {
    "cm-duplicate": "0003.png is there twice",
    "img-16bit": "7 frames with the image of another",  # which they are
    "tf-blender-splits": "16 train, 2 val, 6 test frames",  # whose images are the same
    "tf-duplicate": "images/0003.png is there twice",
    "tf-no-path": "file_path is None",
    "tf-w-no-h": "w is there without its other side",
}
SCORED = {  # poses -> truth, and what the note says about coverage
    "sc-euroc/estimated.txt": ("data.csv", "24 of 24 poses have a true one"),
    "sc-tum-comma/estimated.txt": ("groundtruth.txt", "30 of 30 poses have a true one"),
    "sc-tum-duplicate-stamp/estimated.txt": ("groundtruth.txt", "times are there twice"),
    "sc-tum-rates/estimated.txt": ("groundtruth.txt", "117 of 117 poses have a true one"),
    "sc-tum-rates/keyframes.txt": ("groundtruth.txt", "8 of 8 poses have a true one"),
}


@pytest.mark.parametrize("name", [*SOUND, *NOT_SOUND])
def test_a_data_set(name: str) -> None:
    examination = examine(recognise(CASES / name))
    assert examination.is_sound == (name in SOUND), report(examination)
    assert {**SOUND, **NOT_SOUND}[name] in report(examination)


@pytest.mark.parametrize("poses", SCORED)
def test_a_trajectory(poses: str, tmp_path: Path) -> None:
    truth, note = SCORED[poses]
    folder = score_file(CASES / poses, (CASES / poses).with_name(truth), out=tmp_path / "run")
    results = read_results(folder / "results.json")
    assert any(note in line for line in results["notes"])
    (row,) = [row for row in results["rows"] if row["group"] == "all"]
    assert row["median_t_m"] < 0.02
