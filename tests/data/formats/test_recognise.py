from pathlib import Path

import fakes
import pytest
from layouts import READERS

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.formats.recognise import recognise, recognise_all


@pytest.mark.parametrize("layout", READERS)
def test_every_layout_is_recognised_and_read(tmp_path, layout):
    write, read, scene = READERS[layout]
    folder = write(tmp_path)
    found = recognise(folder)
    assert (found.layout, found.root, found.scene) == (layout, tmp_path, scene)
    assert found.folder == folder
    for split in found.splits:
        names = [view.name for view in found.read_views(found.root, found.scene, split)]
        assert names == [view.name for view in read(tmp_path, scene, split)]
        assert names


def test_exported_layouts_are_told_apart_though_frames_csv_is_in_two(tmp_path):
    fakes.write_aerial(tmp_path)
    fakes.write_csv(tmp_path)
    assert [found.layout for found in recognise_all(tmp_path)] == ["csv", "aerial"]


def test_a_root_holds_several_scenes(tmp_path):
    for scene in ("office", "chess", "fire"):
        fakes.write_seven_scenes(tmp_path, scene, frames=1)
    (tmp_path / "notes").mkdir()
    assert [found.scene for found in recognise_all(tmp_path)] == ["chess", "fire", "office"]
    with pytest.raises(InputError, match="holds 3 scenes, expected one; name one of chess, fire"):
        recognise(tmp_path)


def test_buildings_hold_rooms(tmp_path):
    fakes.write_twelve_scenes(tmp_path, "apt1/kitchen")
    fakes.write_twelve_scenes(tmp_path, "apt2/bed")
    expected = [(tmp_path, "apt1/kitchen"), (tmp_path, "apt2/bed")]
    assert [(found.root, found.scene) for found in recognise_all(tmp_path)] == expected


@pytest.mark.parametrize("inside", ["images/a", "sparse/0", "sparse/0/train.txt"])
def test_a_path_inside_a_scene_leads_to_it(tmp_path, inside):
    folder = fakes.write_colmap(tmp_path)
    assert recognise(folder / inside).folder == folder


def test_the_working_folder_can_be_the_scene(tmp_path, monkeypatch):
    monkeypatch.chdir(fakes.write_cambridge(tmp_path))
    found = recognise(Path())
    assert (found.root, found.scene) == (tmp_path, "KingsCollege")


@pytest.mark.parametrize("layout", ["colmap", "tum", "llff", "kapture", "polycam", "record3d"])
def test_without_lists_there_is_one_split_of_all(tmp_path, layout):
    write, _, _ = READERS[layout]
    folder = write(tmp_path)
    for split in ("train", "val", "test"):
        for path in folder.rglob(f"{split}.txt"):
            path.unlink()
    found = recognise(folder)
    assert found.splits == ("all",)
    assert found.read_views(found.root, found.scene, "all")


def test_lists_inside_files_are_found(tmp_path):
    folder = fakes.write_transforms(tmp_path)
    text = (folder / "transforms.json").read_text()
    (folder / "transforms.json").write_text(text.replace("_filenames", "_others"))
    assert recognise(folder).splits == ("all",)
    folder = fakes.write_csv(tmp_path)
    text = (folder / "frames.csv").read_text()
    (folder / "frames.csv").write_text(text.replace("split", "tag_part", 1))
    assert recognise(folder).splits == ("all",)


def test_what_is_no_data_set_is_told(tmp_path):
    with pytest.raises(InputError, match=r"no data set of a known layout \(aerial, cambridge"):
        recognise(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        recognise(tmp_path / "nothing")
