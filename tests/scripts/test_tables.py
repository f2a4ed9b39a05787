"""The scripts that write tables and pictures of real data into the documentation, with few views and one epoch."""

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.realdata]


def test_study_of_hints(checkout, real_data):
    given = {"HINTED_POSENET_DATA": str(real_data), "SEEDS": "0", "VIEWS": "9"}
    given |= {"METHODS": "null_hint hinted_residual", "SCENES": "redkitchen naip"}
    small = ("trainer.max_epochs=1", "augmented_views=0")
    checkout.run("study_hints", *small, **given)
    for scene in ("redkitchen", "naip"):
        assert "| hinted_residual |" in checkout.table(scene, "docs/results.md")
        assert checkout.table(scene, "docs/hints-results.md").count("| hinted_residual |") >= 4
        assert checkout.size(f"docs/images/hints_{scene}.jpg") > 10_000
    cells = list((checkout.folder / "runs").rglob("from-*/results.json"))
    then = {cell: cell.stat().st_mtime_ns for cell in cells}
    checkout.run("study_hints", *small, **given | {"SCENES": "redkitchen"})  # only has to draw
    assert {cell: cell.stat().st_mtime_ns for cell in cells} == then


def test_pictures_of_the_data_page(checkout, real_data):
    pictures = [f"docs/images/{name}.jpg" for name in ("orbit-convention", "ShopFacade-cameras")]
    for picture in pictures:
        (checkout.folder / picture).unlink()
    told = checkout.run("pictures_data", HINTED_POSENET_DATA=str(real_data))
    assert "of matched points fit the stated poses" in told
    assert "seq2/frame00036.png: 15 m off the frames beside it" in told
    assert all(20_000 < checkout.size(picture) < 500_000 for picture in pictures)


def test_table_of_live_views(checkout, real_data):
    given = {"HINTED_POSENET_DATA": str(real_data), "SEEDS": "0", "METHODS": "null_hint"}
    short = ("trainer.max_epochs=1", "trainer.check_val_every_n_epoch=1")
    checkout.run("table_live", *short, VIEWS="9", **given)
    table = checkout.table("live", "docs/simulator.md")
    assert "| null_hint_files |" in table and "| null_hint_live |" in table


def test_table_of_registration(checkout, real_data):
    given = {"HINTED_POSENET_DATA": str(real_data), "SEEDS": "0", "VIEWS": "3"}
    checkout.run("table_registration", "refine.steps=1", **given)
    table = checkout.table("registration runs", "docs/map.md")
    assert "| ground_registration from retrieval |" in table
    assert "| ground_registration_memory from retrieval |" in table
