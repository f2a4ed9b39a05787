"""The verb, from config to files, as the command line runs it."""

from pathlib import Path

import pytest
from tiny import config

from hinted_posenet.core.errors import InputError
from hinted_posenet.training import engine


def test_show_draws_what_simulate_made(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match=r"point data\.root"):
        engine.show(config("show", "recipe=tiny", "what=map"))
    engine.simulate(config("simulate", "recipe=tiny"))
    for what in ("sheet", "map", "mesh", "scene"):
        engine.show(config("show", "recipe=tiny", f"what={what}"))
    pictures = ["tiny-map.jpg", "tiny-mesh.glb", "tiny-scene.png", "tiny-sheet.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["simulated", *pictures]
    out = capsys.readouterr().out
    assert all(f"written: {name}" in out for name in pictures)
