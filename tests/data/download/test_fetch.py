"""Scenes end to end: from fake archives of the true structure to what the readers read."""

import os
import shutil

import fakes
import pytest
import yaml
from archives import archive_of, card_with, seven_scenes_zip, zip_of, zipped

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.dataset_card import read_dataset_card
from hinted_posenet.data.download import fetch as scene_module
from hinted_posenet.data.download.fetch import Outcome, fetch
from hinted_posenet.data.formats import cambridge, seven_scenes, twelve_scenes


def run(card, root, *scenes, **options) -> list[Outcome]:
    return list(fetch(card, scenes or list(card.scenes), root, **options))


@pytest.fixture
def card(server, tmp_path):
    """Two scenes of Cambridge Landmarks."""
    scenes = {}
    for scene, frames in (("KingsCollege", 2), ("ShopFacade", 1)):
        content = zipped(fakes.write_cambridge(tmp_path / "made", scene, frames), scene)
        server.files[f"{scene}.zip"] = content
        counts = {"train": 6 * frames, "test": frames}
        scenes[scene] = (counts, archive_of(content, server.url(f"{scene}.zip")))
    return card_with("cambridge", scenes)


def test_cambridge_is_fetched_and_read(card, server, tmp_path):
    root = tmp_path / "cambridge"
    outcomes = run(card, root)
    assert outcomes == [
        ("KingsCollege", "KingsCollege: 12 train and 2 test frames, as the card says", False),
        ("ShopFacade", "ShopFacade: 6 train and 1 test frames, as the card says", False),
    ]
    assert sorted(path.name for path in root.iterdir()) == ["KingsCollege", "ShopFacade"]
    assert len(cambridge.read_views(root, "KingsCollege", "train")) == 12
    record = yaml.safe_load((root / "KingsCollege" / "fetched.yaml").read_text())
    (archive,) = record["archives"]
    assert archive["url"] == server.url("KingsCollege.zip")
    assert archive["bytes"] == len(server.files["KingsCollege.zip"])
    assert len(archive["sha256"]) == 64


def test_a_second_run_does_nothing(card, server, tmp_path):
    run(card, tmp_path / "c")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*")}
    asked = len(server.requests)
    again = run(card, tmp_path / "c")
    assert [outcome.message.endswith("as the card says; was there") for outcome in again] == [
        True
    ] * 2
    assert len(server.requests) == asked
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "c").rglob("*")} == before


def test_seven_scenes_with_its_zips_in_zips(server, tmp_path):
    content = seven_scenes_zip(fakes.write_seven_scenes(tmp_path / "made", "chess", frames=2))
    server.files["chess.zip"] = content
    archive = archive_of(content, server.url("chess.zip"), known=True)
    card = card_with("seven_scenes", {"chess": ({"train": 6, "test": 2}, archive)})
    (outcome,) = run(card, tmp_path / "7")
    assert outcome == ("chess", "chess: 6 train and 2 test frames, as the card says", False)
    names = {str(path.relative_to(tmp_path / "7")) for path in (tmp_path / "7").rglob("*.zip")}
    assert names == set()
    assert not list((tmp_path / "7").rglob("Thumbs.db"))
    assert len(seven_scenes.read_views(tmp_path / "7", "chess", "train")) == 6


def test_an_archive_of_several_scenes_is_fetched_once(server, tmp_path):
    made = tmp_path / "made"
    for scene in ("apt1/kitchen", "apt1/living"):
        fakes.write_twelve_scenes(made, scene, frames=2)
    server.files["apt1.zip"] = zipped(made / "apt1", "apt1")
    archive = archive_of(server.files["apt1.zip"], server.url("apt1.zip"))
    counts = {
        split: len(twelve_scenes.read_views(made, "apt1/kitchen", split, faults=[]))
        for split in ("train", "test")
    }
    card = card_with(
        "twelve_scenes", dict.fromkeys(("apt1/kitchen", "apt1/living"), (counts, archive))
    )
    assert [outcome.failed for outcome in run(card, tmp_path / "12")] == [False, False]
    assert len(server.requests) == 1
    assert [path.name for path in (tmp_path / "12").iterdir()] == ["apt1"]
    views = twelve_scenes.read_views(tmp_path / "12", "apt1/living", "test", faults=[])
    assert len(views) == counts["test"]


def test_one_failure_does_not_keep_the_others(card, server, tmp_path):
    del server.files["KingsCollege.zip"]
    outcomes = run(card, tmp_path / "c")
    assert [outcome.failed for outcome in outcomes] == [True, False]
    assert "404" in outcomes[0].message
    assert not (tmp_path / "c" / "KingsCollege").exists()


def test_frames_that_are_not_in_the_archive_are_counted(card, server, tmp_path):
    made = tmp_path / "made" / "KingsCollege"
    next((made / "seq1").iterdir()).unlink()
    server.files["KingsCollege.zip"] = zipped(made, "KingsCollege")
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    told = "datasets/cambridge/README.md says how to get the rest"
    assert outcome.message == f"KingsCollege: 11 of 12 train frames ({told})"


def test_archives_are_kept_on_demand_and_taken_from_there(card, server, tmp_path):
    run(card, tmp_path / "c", "KingsCollege", keep_archives=True)
    assert (tmp_path / "c" / "archives" / "KingsCollege.zip").is_file()
    shutil.rmtree(tmp_path / "c" / "KingsCollege")
    asked = len(server.requests)
    assert not run(card, tmp_path / "c", "KingsCollege")[0].failed
    assert len(server.requests) == asked


def test_interrupted_unpacking_leaves_no_half_scene_and_resumes(
    card, server, tmp_path, monkeypatch
):
    root = tmp_path / "c"
    copy, copied = shutil.copyfileobj, []

    def stopping(source, sink, size):
        if len(copied) == 5:
            raise KeyboardInterrupt
        copied.append(sink.name)
        copy(source, sink, size)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "copyfileobj", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(card, root, "KingsCollege")
    assert [path.name for path in root.iterdir()] == ["archives"]
    first = {path: path.stat().st_mtime_ns for path in root.rglob("seq*/*.png")}
    assert first
    (outcome,) = run(card, root, "KingsCollege")
    assert outcome.message.endswith("as the card says")
    assert len(server.requests) == 1
    moved = {
        root / "KingsCollege" / path.relative_to(path.parents[1]): t for path, t in first.items()
    }
    assert {path: path.stat().st_mtime_ns for path in moved} == moved


def test_half_a_scene_of_another_archive_is_not_mixed_in(card, server, tmp_path):
    partial = tmp_path / "c" / "archives" / "partial" / "KingsCollege"
    partial.mkdir(parents=True)
    (partial / "stale.txt").write_text("of an older version")
    record = {"date": "2020-01-01", "archives": [{"sha256": "0" * 64}]}
    (partial / "fetched.yaml").write_text(yaml.safe_dump(record))
    assert not run(card, tmp_path / "c", "KingsCollege")[0].failed
    assert not list((tmp_path / "c").rglob("stale.txt"))


def test_a_scene_that_is_there_is_left_as_it_is(card, server, tmp_path):
    mine = fakes.write_cambridge(tmp_path / "c", "KingsCollege", frames=1)
    before = sorted(mine.rglob("*"))
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    assert "6 of 12 train frames, 1 of 2 test frames" in outcome.message
    assert sorted(mine.rglob("*")) == before
    assert server.requests == []


def test_a_folder_that_is_no_scene_is_named_and_left(card, server, tmp_path):
    (tmp_path / "c" / "KingsCollege").mkdir(parents=True)
    (tmp_path / "c" / "KingsCollege" / "notes.txt").write_text("mine")
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    assert outcome.failed
    assert "was there already: move it away" in outcome.message
    assert (tmp_path / "c" / "KingsCollege" / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_filled(card, tmp_path):
    (tmp_path / "c" / "KingsCollege").mkdir(parents=True)
    assert not run(card, tmp_path / "c", "KingsCollege")[0].failed


@pytest.mark.parametrize("known", [False, True])
def test_a_damaged_archive_is_fetched_again_unless_it_is_the_published_one(server, tmp_path, known):
    folder = fakes.write_cambridge(tmp_path / "made", "KingsCollege", 1)
    (folder / "video.mp4").write_bytes(os.urandom(5000))
    content = bytearray(zipped(folder, "KingsCollege"))
    content[content.index(b"KingsCollege/video.mp4") + 2000] ^= 1
    server.files["KingsCollege.zip"] = bytes(content)
    archive = archive_of(bytes(content), server.url("KingsCollege.zip"), known=known)
    card = card_with("cambridge", {"KingsCollege": ({"train": 6, "test": 1}, archive)})
    (outcome,) = run(card, tmp_path / "c")
    assert outcome.failed
    assert "KingsCollege/video.mp4" in outcome.message
    assert ("fetched again next time" in outcome.message) is not known
    assert (tmp_path / "c" / "archives" / "KingsCollege.zip").exists() is known
    assert not (tmp_path / "c" / "KingsCollege").exists()


def test_an_archive_that_leads_out_writes_nothing(server, tmp_path):
    server.files["KingsCollege.zip"] = zip_of(**{"KingsCollege/a": "1", "../../evil": "2"})
    archive = archive_of(b"", server.url("KingsCollege.zip"))
    card = card_with("cambridge", {"KingsCollege": ({"train": 1}, archive)})
    (outcome,) = run(card, tmp_path / "deep" / "c")
    assert outcome.failed
    assert "leads out of the folder" in outcome.message
    assert not list(tmp_path.rglob("evil"))


def test_two_processes_do_not_fetch_to_one_folder(card, tmp_path):
    first = fetch(card, ["KingsCollege", "ShopFacade"], tmp_path / "c")
    next(first)
    with pytest.raises(InputError, match="another process"):
        run(card, tmp_path / "c", "ShopFacade")
    assert [outcome.failed for outcome in first] == [False]


def test_a_full_disk_in_the_middle_is_one_line(card, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "there")

    monkeypatch.setattr(shutil, "copyfileobj", full)
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    assert outcome.failed
    assert outcome.message.startswith("there: No space left on device")
    assert (tmp_path / "c" / "archives" / "KingsCollege.zip").exists()


def test_names_are_checked_before_anything_is_asked(card, server, tmp_path):
    with pytest.raises(
        InputError, match="no scene 'Kings'; its scenes are KingsCollege, ShopFacade"
    ):
        run(card, tmp_path / "c", "ShopFacade", "Kings")
    with pytest.raises(InputError, match="naip is not for download; datasets/aerial"):
        run(read_dataset_card("aerial"), tmp_path / "c", "naip")
    assert server.requests == []
    assert not (tmp_path / "c").exists()


def test_no_right_to_write_is_one_line(card, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="not writable"):
        run(card, tmp_path / "file", "KingsCollege")


def test_partial_scenes_are_no_scenes(card, tmp_path):
    """Readers list the scenes of a folder; what is unpacked lies deeper."""
    place = tmp_path / "c" / scene_module.ARCHIVES / scene_module.PARTIAL
    shutil.copytree(tmp_path / "made" / "KingsCollege", place / "KingsCollege")
    with pytest.raises(InputError, match="scenes there: none"):
        cambridge.read_views(tmp_path / "c", "KingsCollege", "train")


@pytest.mark.parametrize("record", ["", "- 1", "{archives: 5}", "!!python/name:os.system", "a: ["])
def test_a_record_of_others_is_no_record(card, server, tmp_path, record):
    """Of an archive that brings its own, or of a disk that was full."""
    partial = tmp_path / "c" / "archives" / "partial"
    (partial / "KingsCollege").mkdir(parents=True)
    (partial / "KingsCollege" / "fetched.yaml").write_text(record)
    (partial / "KingsCollege.fetched.yaml").write_text(record)
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    assert not outcome.failed, outcome.message
    written = yaml.safe_load((tmp_path / "c" / "KingsCollege" / "fetched.yaml").read_text())
    assert written["archives"][0]["sha256"]
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["KingsCollege"]


def test_the_record_is_ours_whatever_the_archive_brings(server, tmp_path):
    made = fakes.write_cambridge(tmp_path / "made", "KingsCollege", 2)
    (made / "fetched.yaml").write_text("archives: [{sha256: theirs}]")
    server.files["k.zip"] = zipped(made, "KingsCollege")
    archive = archive_of(server.files["k.zip"], server.url("k.zip"))
    card = card_with("cambridge", {"KingsCollege": ({}, archive)})
    assert not run(card, tmp_path / "c")[0].failed
    assert "theirs" not in (tmp_path / "c" / "KingsCollege" / "fetched.yaml").read_text()


def test_links_in_a_partial_folder_lead_nowhere(card, server, tmp_path, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    victim = tmp_path / "victim"
    victim.mkdir()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(scene_module, "unpack", interrupt)
        run(card, tmp_path / "c", "KingsCollege")
    (tmp_path / "c" / "archives" / "partial" / "KingsCollege" / "seq1").symlink_to(victim)
    (outcome,) = run(card, tmp_path / "c", "KingsCollege")
    assert not outcome.failed, outcome.message
    assert not (tmp_path / "c" / "KingsCollege" / "seq1").is_symlink()
    assert not list(victim.iterdir())
