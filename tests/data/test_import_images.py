"""An import as a whole: what is written, what is left out, what is refused."""

import hashlib
import json
from pathlib import Path

import fakes
import pytest
import torch
import yaml
from layouts import READERS

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import View
from hinted_posenet.data.formats import csv_frames
from hinted_posenet.data.import_images import Plan, import_images, open_source
from hinted_posenet.data.import_splits import Shares
from hinted_posenet.data.read_scene import write_exclude

OWN = ("colmap", "transforms", "tum", "csv", "llff", "kapture", "polycam", "record3d")


def imported(out: Path, split: str = "all") -> list[View]:
    return csv_frames.read_views(out.parent, out.name, split)


def same_poses(before: list[View], after: list[View]) -> bool:
    found = {view.name: view for view in after}
    return found.keys() == {view.name for view in before} and all(
        torch.equal(view.T_world_cam.t, found[view.name].T_world_cam.t)
        and float(rotation_angle(view.T_world_cam.q, found[view.name].T_world_cam.q)) < 1e-15
        and torch.equal(view.K, found[view.name].K)
        and view.distortion == found[view.name].distortion
        and view.image.read_bytes() == found[view.name].image.read_bytes()
        for view in before
    )


@pytest.mark.parametrize("layout", OWN)
def test_every_layout_of_your_own(tmp_path: Path, layout: str) -> None:
    write, read, scene = READERS[layout]
    folder = write(tmp_path / "source", frames=6)
    out = tmp_path / "out"
    summary = import_images(open_source(folder), out, Plan())
    assert same_poses(read(tmp_path / "source", scene, "all"), imported(out))
    counts = {split: len(imported(out, split)) for split in ("train", "val", "test")}
    assert sum(counts.values()) == 24 and min(counts.values()) >= 2
    assert f"{counts['train']} train, {counts['val']} val, {counts['test']} test" in summary
    manifest = yaml.safe_load((out / "manifest.yaml").read_text())
    assert manifest["counts"] == counts and manifest["layout"] == layout
    assert manifest["source"] == str(folder)
    digest = hashlib.sha256((out / "frames.csv").read_bytes()).hexdigest()
    assert manifest["sha256"] == {"frames.csv": digest}
    by_block = layout in ("tum", "llff", "polycam", "record3d")  # a recording is one sequence
    assert manifest["split"]["method"] == ("spatial block" if by_block else "sequence")
    assert ("sequences to hold out whole: 1, fewer than 3" in summary) == by_block
    assert "m (median), " in summary and "(least) from the nearest training camera" in summary
    assert summary.endswith(
        f"train data=csv data.root={tmp_path} data.scene=out data.height=48 data.width=64"
    )


def test_a_lens_is_kept(tmp_path: Path) -> None:
    folder = fakes.write_colmap(tmp_path / "source")
    cameras = folder / "sparse" / "0" / "cameras.txt"
    lens = "FULL_OPENCV 64 48 60 61 31 25 -0.1 0.02 0.003 0.004 0.005 0 0 0"
    lines = cameras.read_text().splitlines()
    cameras.write_text("\n".join([lines[0], f"7 {lens}", lines[2]]))
    import_images(open_source(folder), tmp_path / "out", Plan())
    lenses = {view.distortion for view in imported(tmp_path / "out")}
    assert lenses == {(), (-0.1, 0.02, 0.003, 0.004, 0.005)}


def test_frames_are_in_the_order_of_the_video(tmp_path: Path) -> None:
    folder = fakes.write_colmap(tmp_path / "source", frames=12)  # the model has them backwards
    import_images(open_source(folder), tmp_path / "out", Plan())
    names = [view.name for view in imported(tmp_path / "out") if view.sequence == "b"]
    assert names == [f"b/my image {i}.png" for i in range(12)]


def test_a_folder_of_one_video_with_lists_of_its_own(tmp_path: Path) -> None:
    folder = fakes.write_colmap(tmp_path / "source")
    out = tmp_path / "out"
    import_images(open_source(folder), out, Plan("keep"))
    names = (folder / "sparse" / "0" / "test.txt").read_text().splitlines()
    assert [view.name for view in imported(out, "test")] == names
    assert yaml.safe_load((out / "manifest.yaml").read_text())["split"] == {"method": "the source"}


def test_a_published_split_is_only_kept(tmp_path: Path) -> None:
    folder = fakes.write_cambridge(tmp_path / "source")
    with pytest.raises(InputError, match=r"cambridge has a split of its own.*split=keep"):
        import_images(open_source(folder), tmp_path / "out", Plan())
    import_images(open_source(folder), tmp_path / "out", Plan("keep"))
    assert len(imported(tmp_path / "out", "test")) == 4
    assert imported(tmp_path / "out", "val") == []


def test_a_model_in_another_folder(tmp_path: Path) -> None:
    folder = fakes.write_colmap(tmp_path / "source")
    (folder / "sparse" / "0").rename(folder / "model")
    (folder / "images").rename(folder / "photos")
    options = {"model": "model", "images": "photos"}
    import_images(open_source(folder, "colmap", options), tmp_path / "out", Plan())
    assert len(imported(tmp_path / "out")) == 16
    with pytest.raises(InputError, match=r"reader\.modl: data=colmap has no such option"):
        open_source(folder, "colmap", {"modl": "model"})


@pytest.mark.parametrize("link", [True, False])
def test_images_are_links_or_copies(tmp_path: Path, link: bool) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    summary = import_images(open_source(folder), tmp_path / "out", Plan(), link)
    assert f"16 images {'hard-linked' if link else 'copied'}" in summary
    images = (folder / "images" / "a" / "0.png", tmp_path / "out" / "images" / "a" / "0.png")
    assert images[0].samefile(images[1]) == link
    assert images[0].read_bytes() == images[1].read_bytes()


def test_an_import_again_with_another_seed(tmp_path: Path) -> None:
    folder = fakes.write_tum(tmp_path / "source", frames=10)
    out = tmp_path / "out"
    import_images(open_source(folder), out, Plan())
    drawn = (out / "frames.csv").read_bytes()
    import_images(open_source(folder), tmp_path / "same", Plan())
    assert (tmp_path / "same" / "frames.csv").read_bytes() == drawn
    with pytest.raises(InputError, match=r"exists already; .*overwrite=true"):
        import_images(open_source(folder), out, Plan(seed=1))
    assert (out / "frames.csv").read_bytes() == drawn
    import_images(open_source(folder), out, Plan(seed=1), overwrite=True)
    assert (out / "frames.csv").read_bytes() != drawn
    # a made data set is split anew in its own place
    import_images(open_source(out), out, Plan(shares=Shares(0.5, 0.0)), overwrite=True)
    assert len(imported(out, "test")) == 20 and imported(out, "val") == []


def test_frames_that_are_wrong_or_excluded_are_left_out_and_named(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    path = folder / "frames.csv"
    (folder / "images" / "a" / "0.png").unlink()
    lines = path.read_text().splitlines()
    lines[6] = lines[6].replace("b/1.png,train,b,0.1,", "b/1.png,train,b,0.1,nan")
    path.write_text("\n".join(lines))
    write_exclude(folder / "exclude.txt", {"c/2.png": "a lorry in front"})
    with pytest.raises(InputError, match=r"line 7: expected .*numbers.*1 more"):
        import_images(open_source(folder), tmp_path / "out", Plan())
    assert [path.name for path in tmp_path.iterdir()] == ["source"]
    summary = import_images(open_source(folder), tmp_path / "out", Plan(), skip_faulty=True)
    assert "3 frames left out, named in manifest.yaml" in summary
    left_out = yaml.safe_load((tmp_path / "out" / "manifest.yaml").read_text())["left_out"]
    assert left_out.keys() == {"a/0.png", "b/1.png", "c/2.png"}
    assert left_out["c/2.png"] == "a lorry in front" and "missing image" in left_out["a/0.png"]
    assert not left_out.keys() & {view.name for view in imported(tmp_path / "out")}


def test_images_of_another_size_than_their_camera(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    fakes.draw(folder / "images" / "b" / "3.png", fakes.camera(1, 3), width=32)
    with pytest.raises(InputError, match=r"line 9: .*b.3\.png is 32x48, its camera is for 64x48"):
        import_images(open_source(folder), tmp_path / "out", Plan())


def test_an_image_outside_of_the_folder_is_written_within(tmp_path: Path) -> None:
    folder = fakes.write_transforms(tmp_path / "source")
    path = folder / "transforms.json"
    fakes.draw(tmp_path / "source" / "other.png", fakes.camera(0, 0))
    content = json.loads(path.read_text())
    content["frames"][0]["file_path"] = "../other.png"
    path.write_text(json.dumps(content))
    import_images(open_source(folder), tmp_path / "out", Plan())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "source"]
    assert (tmp_path / "out/images/other.png").is_file()


def test_portrait_and_large_images_keep_their_shape(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path / "source", frames=1)
    path = folder / "frames.csv"
    text = path.read_text().replace(",64,48,", ",1080,1920,")
    path.write_text(
        text.replace(",52.5,52.5,", ",1500,1500,").replace(",60.5,60.5,", ",1500,1500,")
    )
    for image in (folder / "images").rglob("*.png"):
        fakes.draw(image, fakes.camera(0, 0), width=1080, height=1920)
    summary = import_images(open_source(folder), tmp_path / "out", Plan())
    assert summary.endswith("data.height=455 data.width=256")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan("block", test=["d"]), "test and val name sequences"),
        (Plan("sequence", margin_m=1.0), "margin_m: applies to spatial blocks"),
        (Plan(margin_m=1.0), "margin_m: applies to spatial blocks"),
        (Plan(seed=-1), "seed=-1: expected 0 or more"),
    ],
)
def test_plans_that_make_no_sense(tmp_path: Path, plan: Plan, message: str) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    with pytest.raises(InputError, match=message):
        import_images(open_source(folder), tmp_path / "out", plan)


def test_folders_that_cannot_be(tmp_path: Path) -> None:
    folder = fakes.write_csv(tmp_path / "source")
    with pytest.raises(InputError, match="no such folder"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"a \+ in a name joins scenes"):
        import_images(open_source(folder), tmp_path / "a+b", Plan())
    (folder / "frames.csv").write_text((folder / "frames.csv").read_text().splitlines()[0])
    with pytest.raises(InputError, match="has no images with a pose"):
        import_images(open_source(folder, "csv"), tmp_path / "out", Plan())
