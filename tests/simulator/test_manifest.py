import json
import subprocess
import sys
from pathlib import Path

import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.simulator.aerial_layout import group_hashes, versions
from hinted_posenet.simulator.camera import Camera
from hinted_posenet.simulator.flight import Flight
from hinted_posenet.simulator.light.sensor import Sensor
from hinted_posenet.simulator.plan import RandomPlan
from hinted_posenet.simulator.simulate import simulate
from hinted_posenet.simulator.world import World

CAMERA = Camera(24, 20, hfov_deg=60.0, sensor=Sensor(noise_sigma=0.01))
FLIGHTS = {"test": Flight("test", ["winter"], 2, RandomPlan([50, 60], [-20, 20], 3))}


def run(world: World, root: Path, seed: int = 1, **options: object) -> dict:
    folder = simulate(world, FLIGHTS, CAMERA, root, "demo", seed=seed, threads=1, **options)
    return json.loads((folder / "manifest.json").read_text())


def shell(folder: Path, command: str) -> str:
    found = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    return found.stdout.split()[0]


def test_hashes_are_those_of_sha256sum(small_world: World, tmp_path: Path) -> None:
    manifest = run(small_world, tmp_path, depth="png16")
    demo = tmp_path / "demo"
    assert list(manifest["sha256"]) == ["depth/test", "frames.csv", "images/test", "map.jpg"]
    for group, digest in manifest["sha256"].items():
        folder = (demo / group).is_dir()
        command = f"cd {group} && sha256sum * | sha256sum" if folder else f"sha256sum {group}"
        assert shell(demo, command) == digest
    listing = "".join(f"{digest}  {group}\n" for group, digest in manifest["sha256"].items())
    assert shell(demo, f"printf '{listing}' | sha256sum") == manifest["data_sha256"]


def test_the_total_tells_data_apart_and_where_they_lie_does_not_matter(
    small_world: World, tmp_path: Path
) -> None:
    one, same = run(small_world, tmp_path / "1"), run(small_world, tmp_path / "2")
    other = run(small_world, tmp_path / "3", seed=2)
    assert one == same
    assert one["data_sha256"] != other["data_sha256"]
    assert one["versions"] == versions() and {"numpy", "open3d", "python"} <= versions().keys()


def test_groups_are_told_apart_by_name_and_content() -> None:
    one = group_hashes({"images/a/0.jpg": "x", "images/a/1.jpg": "y", "map.jpg": "z"})
    assert one.keys() == {"images/a", "map.jpg"} and one["map.jpg"] == "z"
    swapped = group_hashes({"images/a/0.jpg": "y", "images/a/1.jpg": "x", "map.jpg": "z"})
    assert swapped["images/a"] != one["images/a"]


def test_a_released_hash_is_confirmed_or_contradicted(
    small_world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = run(small_world, tmp_path)
    expected = {"data_sha256": made["data_sha256"], "versions": made["versions"]}
    assert run(small_world, tmp_path, overwrite=True, expected=expected) == made
    out, err = capsys.readouterr()
    assert f"data_sha256 {made['data_sha256']}: as the recipe expects" in out
    assert "warning" not in err

    run(small_world, tmp_path, seed=2, overwrite=True, expected=expected)
    out, err = capsys.readouterr()
    assert f"the recipe expects {made['data_sha256']} (the versions are the same, so a " in err

    older = {**made["versions"], "numpy": "1.0"}
    run(small_world, tmp_path, 2, overwrite=True, expected={**expected, "versions": older})
    out, err = capsys.readouterr()
    assert f"(numpy 1.0 then, {versions()['numpy']} now)" in err

    other = {**expected, "source": "released"}  # of a recipe that is used with other photos
    run(small_world, tmp_path, 2, overwrite=True, expected=other)
    assert "data_sha256" not in "".join(capsys.readouterr())


def test_an_expectation_without_versions_is_refused(small_world: World, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected: needs data_sha256 and versions"):
        run(small_world, tmp_path, expected={"data_sha256": "0"})
    assert list(tmp_path.iterdir()) == []


def test_the_layout_needs_no_package_of_the_simulator() -> None:
    code = "import sys\n"
    for name in ("open3d", "rasterio", "distributed", "astral", "cachetools"):
        code += f"sys.modules[{name!r}] = None\n"  # an import of it fails
    code += "import hinted_posenet.simulator.aerial_layout"
    subprocess.run([sys.executable, "-c", code], check=True)
