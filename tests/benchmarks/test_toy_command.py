import pytest
from toy import main


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr("sys.argv", ["hinted-posenet toy", *arguments])
    main()


def test_it_prints_a_table_and_draws_a_figure(tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin toy -->\n<!-- end toy -->\nafter\n")
    picture = tmp_path / "new folder" / "toy.png"
    options = ["--seeds", "7", "--steps", "10", "--output", str(picture), "--insert", str(page)]
    run(monkeypatch, *options)
    told = capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert told.endswith(f"written: {picture}\n")
    table = told.removesuffix(f"written: {picture}\n")
    assert f"<!-- begin toy -->\n```text\n{table}```\n<!-- end toy -->\nafter" in page.read_text()
    assert "mean over 1 seed)" in table
    assert "\nhinted residual, from sigma none, fed back at 0.03 " in table


@pytest.mark.parametrize(
    ("options", "answer"),
    [
        (["--output", "toy.gif"], "--output toy.gif: end it with .png"),
        (["--steps", "3"], "--steps 3: give at least 10"),
        (["--seeds", "0", "-1"], "--seeds -1: give numbers of at least 0"),
    ],
)
def test_a_mistake_is_answered_in_one_line(monkeypatch, capsys, options, answer):
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, *options)
    assert stopped.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith(f"error: {answer}")
    assert told.count("\n") == 1
