"""The pages: their code runs, their commands parse, and what they name is there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from test_rooms import PACKAGE, ROOMS
from tiny import small_checkpoint

from hinted_posenet.cli.check_line import check
from hinted_posenet.cli.help import DATA_VERBS, VERBS
from hinted_posenet.core.errors import InputError

ROOT = Path(__file__).parents[1]
DOCS = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "templates")
PAGES = [*ROOT.glob("*.md"), *DOCS, *sorted(ROOT.glob("datasets/*/README.md"))]
PAGES += [ROOT / "examples/README.md"]
WITHOUT_CODE = {"index.md", "hints-results.md", "reliability.md", "results.md"}  # links; tables


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", DOCS, ids=named)
def test_code_blocks_run(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    assert blocks or page.name in WITHOUT_CODE or page.parent.name == "api"
    exec("\n".join(blocks), {})


def commands(page: Path) -> Iterator[str]:
    """What follows `hinted-posenet` in a page's code, in lines of their own or within the text."""
    for code in re.findall(r"```.*?```|`[^`]+`", page.read_text(), flags=re.DOTALL):
        lines = code.strip("`").replace("\\\n", " ").splitlines()
        yield from (
            line.strip()[15:] for line in lines if line.strip().startswith("hinted-posenet ")
        )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_parse(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINTED_POSENET_EXTENSIONS", "my_parts")  # as docs/extending.md has it
    for command in commands(page):
        words = shlex.split(command, comments=True)
        # a verb named within the text, or a place to fill in
        if words[-1] in (*VERBS, *DATA_VERBS) or "VERB" in words or "=NAME" in command:
            continue
        try:
            check(words)
        except InputError as error:
            pytest.fail(f"hinted-posenet {command}: {error}")


@pytest.mark.parametrize("command", ["train data=areal", "compare refrence=x", "data check"])
def test_a_mistyped_command_is_seen(command: str) -> None:
    with pytest.raises(InputError):
        check(command.split())


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_name_existing_things(page: Path) -> None:
    text = page.read_text()
    for script in re.findall(r"(?:scripts|benchmarks)/\w+\.(?:sh|py)", text):
        assert (ROOT / script).is_file(), script
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for verb in re.findall(r"hinted-posenet (data \w+|\w[\w-]*)", text):
        assert verb in ("VERB", "data VERB") or verb.split()[-1] in (*VERBS, *DATA_VERBS), verb
    for key in re.findall(r"`((?:data|augment)\.\w+)[=`]", text):
        group, name = key.split(".")
        files = [path.read_text() for path in (ROOT / "configs" / group).glob("*.yaml")]
        known = any(re.search(rf"^{name}:", file, flags=re.MULTILINE) for file in files)
        assert known or (PACKAGE / group / f"{name}.py").is_file(), key
    for file in re.findall(rf"`(?:hinted_posenet/)?((?:{'|'.join(ROOMS)})/[\w/]*(?:\.py)?)`", text):
        assert (PACKAGE / file).exists(), file


def test_readme_names_existing_choices() -> None:
    readme = (ROOT / "README.md").read_text()
    for group, choice in re.findall(r"(recipe|method|backbone|rotation|loss|data)=(\w+)", readme):
        assert (ROOT / "configs" / group / f"{choice}.yaml").is_file(), f"{group}={choice}"


def test_every_method_is_explained() -> None:
    page = (ROOT / "docs" / "hints.md").read_text()
    table = page.partition("## The methods")[2].partition("\n## ")[0]
    shortened = re.sub(r"`(embedding)_uniform`|`_(\w+)`", r"`embedding_\2`", table)
    names = {*re.findall(r"`(\w+)`", table), *re.findall(r"`(\w+)`", shortened)}
    names |= set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "recipes.md").read_text(), re.MULTILINE)
    )
    missing = {path.stem for path in (ROOT / "configs" / "method").glob("*.yaml")} - names
    assert not missing


def test_the_readme_localizes(tmp_path, monkeypatch, capsys):
    """Its five lines run as they are, with a small localizer in place of the trained one."""
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[1]
    run = tmp_path / re.search(r'load\("(.*?)"', code)[1]
    run.mkdir(parents=True)
    small_checkpoint(run, "method=hinted_memory")
    Image.new("RGB", (64, 64), "green").save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert capsys.readouterr().out.startswith("(")
