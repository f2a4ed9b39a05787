"""The command line: what simulate wrote, and a run, become pictures."""

import sys
from pathlib import Path

import pytest
from PIL import Image

from hinted_posenet.cli.main import main
from hinted_posenet.show.subject import Subject

from .test_show_run import write


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch):
    """A command line without a display."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    def run(*words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["hinted-posenet", *words])
        main()

    return run


@pytest.mark.slow
def test_show_draws_the_data_set_of_simulate(tmp_path: Path, monkeypatch, capsys, command) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        command("show", "recipe=tiny", "what=map")
    assert "point data.root" in capsys.readouterr().err
    command("simulate", "recipe=tiny")
    for what in ("sheet", "map", "mesh", "scene"):
        command("show", "recipe=tiny", f"what={what}")
    pictures = ["tiny-map.jpg", "tiny-mesh.glb", "tiny-scene.png", "tiny-sheet.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["simulated", *pictures]
    out = capsys.readouterr().out
    assert all(f"written: {name}" in out for name in pictures)


@pytest.mark.parametrize("with_map", [True, False])
def test_a_run_of_each_kind_gives_a_picture(
    subject: Subject, tmp_path: Path, capsys, command, with_map: bool
) -> None:
    run = write(tmp_path / "run", subject, with_map)
    command("show", "what=run", f"run={run}", "what.width_px=320")
    with Image.open(run / "run.png") as image:
        assert image.width == 320
        assert len(image.getcolors(100_000)) > 100
    assert "no display answers" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command("show", f"run={run}")
    assert "what=run draws it" in capsys.readouterr().err
