"""`hinted-posenet data fetch` as a user gives it."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import fakes
import pytest
from archives import zip_of, zipped


def kings_college(folder: Path) -> bytes:
    return zipped(fakes.write_cambridge(folder, "KingsCollege", 1), "KingsCollege")


def test_nothing_is_fetched_before_the_licence_is_accepted(here, server):
    result = here("data", "fetch", "cambridge", "KingsCollege", f"url={server.url('mirror')}")
    assert result.returncode == 1
    assert "CC BY-NC-SA 2.0 UK" in result.stdout
    assert "non-commercial" in result.stdout
    assert result.stderr.startswith("error: read the licence")
    assert "accept_licence=true" in result.stderr
    assert server.requests == []
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize("root", ["default", "environment", "given"])
def test_a_scene_from_a_mirror(here, server, tmp_path, monkeypatch, root):
    server.files["mirror/KingsCollege.zip"] = kings_college(tmp_path)
    place, given = Path("data/cambridge"), []
    if root == "environment":
        monkeypatch.setenv("HINTED_POSENET_DATA", "elsewhere")
        place = Path("elsewhere/cambridge")
    elif root == "given":
        place, given = Path("mine"), ["root=mine"]
    address = [f"url={server.url('mirror/')}", "accept_licence=true"]
    result = here("data", "fetch", "cambridge", "KingsCollege", *address, *given)
    assert result.returncode == 0, result.stderr
    assert (place / "KingsCollege" / "dataset_train.txt").is_file()
    assert "KingsCollege: 6 of 1220 train frames, 1 of 343 test frames" in result.stdout
    last = result.stdout.splitlines()[-1]
    assert last == f"next: hinted-posenet data check {place / 'KingsCollege'}"


def test_what_failed_is_summed_up_with_the_steps_by_hand(here, server, tmp_path):
    server.files["KingsCollege.zip"] = kings_college(tmp_path)
    server.files["Street.zip"] = zip_of(**{"Street/a": "", "../evil": ""})
    given = ["ShopFacade", "KingsCollege", "Street", "root=c", "accept_licence=true"]
    result = here("data", "fetch", "cambridge", *given, f"url={server.address}")
    assert result.returncode == 1
    assert "failed: ShopFacade.zip: not fetched" in result.stdout
    assert "404" in result.stdout
    assert "KingsCollege: 6 of 1220" in result.stdout
    by_hand = result.stdout.partition("By hand:\n")[2]
    assert "251336" in by_hand  # ShopFacade's page
    assert "put it into the folder c/archives" in by_hand
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].startswith("error: not fetched: ShopFacade, Street;")
    again = here("data", "fetch", "cambridge", "KingsCollege", *given[3:], f"url={server.address}")
    assert again.returncode == 0
    assert "; was there" in again.stdout


def test_a_file_that_is_not_the_published_one_is_refused(here, server):
    """The length and checksum of 7-Scenes are known."""
    server.files["chess.zip"] = zip_of(**{"chess/a": ""})
    result = here(
        "data", "fetch", "7scenes", "chess", "accept_licence=true", f"url={server.address}"
    )
    assert result.returncode == 1
    assert "expected 3,079,608,937" in result.stdout
    assert "visloc_pseudo_gt_limitations" in result.stdout
    assert not Path("data/seven_scenes/chess").exists()


def test_the_list_names_every_scene_and_with_a_name_all_that_the_card_knows(here):
    result = here("data", "fetch", "list=true")
    for word in ("KingsCollege", "redkitchen", "7000 train, 5000 test", "apt1/kitchen", "apt1.zip"):
        assert word in result.stdout
    one = here("data", "fetch", "list=true", "7scenes")
    assert "KingsCollege" not in one.stdout
    for word in ("calibrated: ", "pgt/sfm/7scenes", "Shotton", "6.1 GB"):
        assert word in one.stdout
    assert list(Path.cwd().iterdir()) == []


MISTAKES = {
    "no data set": ([], 2, ["DATASET"]),
    "unknown data set": (
        ["imagenet", "accept_licence=true"],
        2,
        ["imagenet", "cambridge", "7scenes"],
    ),
    "unknown scene": (["cambridge", "Kings", "accept_licence=true"], 2, ["Kings", "KingsCollege"]),
    "aerial": (["aerial"], 1, ["not for download"]),
    "url": (["cambridge", "url=ftp://there", "accept_licence=true"], 2, ["ftp://there", "http"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(here, mistake):
    arguments, code, words = MISTAKES[mistake]
    result = here("data", "fetch", *arguments)
    assert result.returncode == code
    assert "Traceback" not in result.stderr
    last = result.stderr.splitlines()[-1]
    for word in words:
        assert word in last
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_goes_on(server, tmp_path, monkeypatch, how):
    monkeypatch.delenv("HINTED_POSENET_DATA", raising=False)
    content = zipped(fakes.write_cambridge(tmp_path / "made", "KingsCollege", 4), "KingsCollege")
    server.files["KingsCollege.zip"] = content
    server.cut, server.hold = [len(content) // 2], threading.Event()
    arguments = ["cambridge", "KingsCollege", "accept_licence=true", f"url={server.address}"]
    command = [sys.executable, "-m", "hinted_posenet", "data", "fetch", *arguments]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    partial = tmp_path / "data" / "cambridge" / "archives" / "KingsCollege.zip.partial"
    limit = time.monotonic() + 120
    while not (partial.is_file() and partial.stat().st_size >= len(content) // 4):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < limit
        time.sleep(0.02)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    server.hold.set()
    if how == signal.SIGINT:
        assert process.returncode == 1
        assert "Traceback" not in errors
        assert errors.endswith("error: interrupted; the same command resumes the download\n")
    have = partial.stat().st_size
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert [request.range for request in server.requests] == [None, f"bytes={have}-"]
    assert (tmp_path / "data" / "cambridge" / "KingsCollege" / "fetched.yaml").is_file()
    assert not partial.parent.exists()
