"""Cards: what they say, against their READMEs, the recipes and the real label files."""

import re
from pathlib import Path

import pytest
import yaml

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.dataset_card import (
    counts_note,
    dataset_card_names,
    read_dataset_card,
    scene_card,
)
from hinted_posenet.data.formats import cambridge

DATASETS = Path(__file__).parents[2] / "datasets"


UNKNOWN = {  # scenes whose number of frames no published source states
    ("twelve_scenes", "office1/gates381"),
    ("ortholoc", "full"),
    ("uav_visloc", "09"),
}


def readme(name: str) -> str:
    return (DATASETS.parent / read_dataset_card(name).readme).read_text()


def test_every_folder_has_a_card_and_a_readme():
    folders = sorted(path.name for path in DATASETS.iterdir())
    over_maps = ["anyvisloc", "ortholoc", "uav_visloc"]
    others = ["aerial", "cambridge", "seven_scenes", "twelve_scenes"]
    assert dataset_card_names() == folders == sorted([*over_maps, *others])
    for name in folders:
        assert readme(name).startswith(f"# {read_dataset_card(name).title}\n")


def test_a_card_is_found_by_its_aliases_and_a_mistake_names_the_choices():
    assert read_dataset_card("7scenes") == read_dataset_card("seven_scenes")
    assert read_dataset_card("12scenes").name == "twelve_scenes"
    with pytest.raises(
        InputError, match=r"no data set '7scene'; .*cambridge.*did you mean 7scenes\?"
    ):
        read_dataset_card("7scene")
    with pytest.raises(InputError, match="cambridge: no scene 'Kings'; its scenes are GreatCourt"):
        scene_card(read_dataset_card("cambridge"), "Kings")


@pytest.mark.parametrize("name", dataset_card_names())
def test_a_card_is_whole(name):
    card = read_dataset_card(name)
    assert card.scenes
    assert card.default_ground_truth in card.ground_truths
    assert all((card.title, card.licence, card.terms, card.citation, card.manual))
    for scene_name, scene in card.scenes.items():
        known = {"train", "test"} <= scene.frames.keys() <= {"train", "val", "test"}
        without_split = scene.frames.keys() == {"all"}
        assert known or without_split or (name, scene_name) in UNKNOWN
        assert all(count > 0 for count in scene.frames.values())
        for archive in scene.archives:
            assert re.fullmatch(r"\w+\.zip", archive.file)
            assert archive.urls
            assert all(url.startswith(("https://", "http://")) for url in archive.urls)
            assert archive.bytes is None or archive.bytes > 10**8
            assert archive.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", archive.sha256)
    if any(scene.archives for scene in card.scenes.values()):
        assert card.url in readme(name)
        assert card.licence in " ".join(readme(name).split()) or name == "seven_scenes"


def test_no_archive_is_described_twice():
    archives = {
        archive
        for name in dataset_card_names()
        for scene in read_dataset_card(name).scenes.values()
        for archive in scene.archives
    }
    assert len({archive.file for archive in archives}) == len(archives) == 6 + 7 + 4
    assert len({url for archive in archives for url in archive.urls}) == sum(
        len(archive.urls) for archive in archives
    )


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@pytest.mark.parametrize("name", ["cambridge", "seven_scenes"])
def test_the_counts_of_the_readme_are_those_of_the_card(name):
    card = read_dataset_card(name)
    lines = readme(name).splitlines()
    header = next(n for n, line in enumerate(lines) if cells(line) == list(card.scenes))
    counts = [f"{scene.frames['train']} / {scene.frames['test']}" for scene in card.scenes.values()]
    assert cells(lines[header + 2]) == counts


def test_the_counts_of_twelve_scenes():
    table = [cells(line) for line in readme("twelve_scenes").splitlines() if line.startswith("| ")]
    found = {row[n]: row[n + 1] for row in table[1:] for n in (0, 2)}
    scenes = read_dataset_card("twelve_scenes").scenes
    assert found == {
        name: " / ".join(map(str, scene.frames.values())) or "not known"
        for name, scene in scenes.items()
    }


@pytest.mark.parametrize("name", ["anyvisloc", "uav_visloc"])
def test_the_counts_of_sets_without_a_split(name):
    table = [cells(line) for line in readme(name).splitlines() if line.startswith("| ")][1:]
    step = 2 if name == "anyvisloc" else 3  # flight, region, frames
    found = {row[n]: row[n + step - 1] for row in table for n in range(0, len(row), step) if row[n]}
    scenes = read_dataset_card(name).scenes
    assert found == {
        scene: str(known.frames.get("all", "not known")) for scene, known in scenes.items()
    }


def test_the_frames_of_a_set_without_a_split_are_counted_together():
    card = read_dataset_card("uav_visloc")
    assert counts_note(card, "03", {"train": 700, "val": 0, "test": 68}) is None
    assert counts_note(card, "03", {"all": 768}) is None
    assert counts_note(card, "03", {"train": 700, "val": 0, "test": 67}).startswith(
        "03: 767 of 768 all frames (datasets/uav_visloc/README.md says how to get the rest"
    )


def test_the_counts_of_aerial_are_those_of_its_recipes_and_of_its_readme():
    card = read_dataset_card("aerial")
    recipes = DATASETS / "aerial" / "recipe"
    assert card.scenes.keys() == {path.stem for path in recipes.glob("*.yaml")}
    for name, scene in card.scenes.items():
        recipe = yaml.safe_load((recipes / f"{name}.yaml").read_text())
        assert recipe["scene"] == name
        found = dict.fromkeys(scene.frames, 0)
        for flight in recipe["flights"].values():
            when = flight["when"]
            if isinstance(when, str):  # ${train_dates}
                when = recipe[when.strip("${}")]
            found[flight["split"]] += len(when) * flight["images"]
        assert scene.frames == found
        row = next(line for line in readme("aerial").splitlines() if line.startswith(f"| `{name}`"))
        assert cells(row)[2] == ", ".join(f"{count:,}" for count in found.values())


@pytest.mark.parametrize("name", dataset_card_names())
def test_known_bad_frames_and_ground_truths_are_in_the_readme(name):
    text = readme(name)
    for scene, entry in read_dataset_card(name).scenes.items():
        for frame in entry.known_bad:
            assert re.search(rf"^\| {scene} \|.*`{frame}`", text, flags=re.MULTILINE)
    for truth in read_dataset_card(name).ground_truths:
        assert f"`{truth}`" in text


@pytest.mark.realdata
def test_known_bad_frames_and_counts_are_those_of_the_real_labels(real_data):
    for scene in ("GreatCourt", "KingsCollege", "ShopFacade"):
        card = read_dataset_card("cambridge").scenes[scene]
        folder = real_data / "cambridge_labels" / scene
        labels = {split: (folder / f"dataset_{split}.txt").read_text() for split in card.frames}
        names = {
            split: [line.split()[0] for line in text.splitlines()[len(cambridge.HEADER) :] if line]
            for split, text in labels.items()
        }
        assert {split: len(found) for split, found in names.items()} == card.frames
        assert set(card.known_bad) <= {name for found in names.values() for name in found}


def test_counts_are_compared_in_one_line():
    card = read_dataset_card("cambridge")
    found = {"train": 1219, "test": 343, "val": 0}
    told = "(datasets/cambridge/README.md says how to get the rest)"
    assert (
        counts_note(card, "KingsCollege", found)
        == f"KingsCollege: 1219 of 1220 train frames {told}"
    )
    both = counts_note(card, "KingsCollege", {"train": 1, "test": 2})
    assert both == f"KingsCollege: 1 of 1220 train frames, 2 of 343 test frames {told}"
    more = counts_note(card, "KingsCollege", {"train": 1221, "test": 343})
    assert more == (
        "KingsCollege: 1221 of 1220 train frames (datasets/cambridge/README.md says what there should be)"
    )


def test_nothing_is_said_of_equal_counts_unknown_scenes_and_other_splits():
    card = read_dataset_card("cambridge")
    assert counts_note(card, "KingsCollege", {"train": 1220, "test": 343}) is None
    assert counts_note(card, "KingsCollege", {"test": 343}) is None
    assert counts_note(card, "MyGarden", {"train": 5}) is None
