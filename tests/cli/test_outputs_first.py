"""An output that cannot be written is refused before any input is looked at, however wrong that may be."""

from pathlib import Path

import pytest

VERBS = {
    "predict": ["checkpoint=none", "images=none", "out={}.csv"],
    "predict with a preview": ["checkpoint=none", "images=none", "preview={}.png"],
    "locate": ["none", "map=none", "out={}.csv"],
    "locate with a preview": ["none", "map=none", "preview={}.png"],
    "track": ["none", "images=none", "out={}.csv"],
    "report": ["none", "out={}.html"],
    "compare": ["none", "out={}.txt"],
    "compare with a figure": ["none", "figure={}.svg"],
    "data check": ["none", "out={}"],
    "show": ["what=run", "run=none", "out={}.png"],
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_file_in_place_of_a_folder_is_named_first(here, tmp_path: Path, verb: str) -> None:
    (tmp_path / "file").touch()
    words = [word.format("file/x") for word in VERBS[verb]]
    done = here(*verb.partition(" with ")[0].split(), *words)
    assert done.returncode != 0 and done.stderr.count("\n") == 1
    assert "file is no folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("words", "endings"),
    [
        (["report", "none", "out=a.pdf"], "out=a.pdf: expected one of .html"),
        (["compare", "none", "figure=a.gif"], "figure=a.gif: expected one of .png, .jpg"),
        (
            ["predict", "checkpoint=none", "images=none", "preview=a.svg"],
            "preview=a.svg: expected one",
        ),
        (["show", "what=run", "run=none", "out=a"], "out=a: expected one of .jpg"),
    ],
)
def test_a_wrong_ending_is_refused_first(here, words: list[str], endings: str) -> None:
    done = here(*words)
    assert done.returncode != 0 and endings in done.stderr and done.stderr.count("\n") == 1
