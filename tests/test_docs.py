"""The pages: their code runs, their commands parse, and what they name is there."""

import importlib
import re
import shlex
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra
from test_layers import ALLOWED, PACKAGE

from hinted_posenet.cli.help import DATA_VERBS, HYDRA_VERBS, VERBS
from hinted_posenet.cli.verb import check_overrides, overrides_of

ROOT = Path(__file__).parents[1]
DOCS = sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "templates")
PAGES = [*ROOT.glob("*.md"), *DOCS, *sorted(ROOT.glob("datasets/*/README.md"))]
PAGES += [ROOT / "examples/README.md"]
WITHOUT_CODE = {"index.md", "hints-results.md"}  # a way to the other pages; tables


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


class ParsedError(Exception):
    """Raised where the work would begin."""


def parse(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a command as the program does; SystemExit if it is not understood."""
    words = shlex.split(command, comments=True)
    verb = " ".join(words[: 1 + (words[0] == "data")])
    arguments = words[len(verb.split()) :]
    monkeypatch.setattr(sys, "argv", [verb, *arguments])
    if verb in HYDRA_VERBS:
        check_overrides(verb.split()[-1], overrides_of(arguments))
        return
    for way in ("parse_args", "parse_intermixed_args"):
        original = getattr(ArgumentParser, way)

        def parse_only(*given: object, original: object = original, **options: object) -> None:
            raise ParsedError(original(*given, **options))  # type: ignore[operator]

        monkeypatch.setattr(ArgumentParser, way, parse_only)
    module = "data.import_" if verb == "data import" else verb.replace(" ", ".")
    with pytest.raises(ParsedError) as parsed:
        importlib.import_module(f"hinted_posenet.cli.{module}").main()
    if verb == "study":
        check_overrides("train", parsed.value.args[0].overrides)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_parse(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in commands(page):
        words = shlex.split(command, comments=True)
        # a verb named within the text, its help, or a place to fill in
        if (
            words[-1] in VERBS | DATA_VERBS
            or "--help" in words
            or "VERB" in words
            or "=NAME" in command
        ):
            continue
        try:
            with monkeypatch.context() as patch:
                patch.setenv("HINTED_POSENET_EXTENSIONS", "my_parts")  # as docs/extending.md has it
                parse(command, patch)
        except SystemExit as error:
            pytest.fail(f"hinted-posenet {command}: {error}")
        finally:
            GlobalHydra.instance().clear()


@pytest.mark.parametrize("command", ["train data=areal", "compare --refrence x", "data check"])
def test_a_mistyped_command_is_seen(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit):
        parse(command, monkeypatch)
    GlobalHydra.instance().clear()


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_pages_name_existing_things(page: Path) -> None:
    text = page.read_text()
    for script in re.findall(r"(?:scripts|benchmarks)/\w+\.(?:sh|py)", text):
        assert (ROOT / script).is_file(), script
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for verb in re.findall(r"hinted-posenet (data \w+|\w+)", text):
        assert verb in ("VERB", "data VERB") or verb.split()[-1] in {**VERBS, **DATA_VERBS}, verb
    for key in re.findall(r"`((?:data|augment)\.\w+)[=`]", text):
        group, name = key.split(".")
        files = [path.read_text() for path in (ROOT / "configs" / group).glob("*.yaml")]
        known = any(re.search(rf"^{name}:", file, flags=re.MULTILINE) for file in files)
        assert known or (PACKAGE / group / f"{name}.py").is_file(), key


def test_readme_names_existing_choices() -> None:
    readme = (ROOT / "README.md").read_text()
    for group, choice in re.findall(r"(recipe|method|backbone|rotation|loss|data)=(\w+)", readme):
        assert (ROOT / "configs" / group / f"{choice}.yaml").is_file(), f"{group}={choice}"


def test_every_method_is_explained() -> None:
    page = (ROOT / "docs" / "hints.md").read_text()
    table = page.partition("## The methods")[2].partition("\n## ")[0]
    shortened = re.sub(r"`(embedding)_uniform`|`_(\w+)`", r"`embedding_\2`", table)
    names = {*re.findall(r"`(\w+)`", table), *re.findall(r"`(\w+)`", shortened)}
    missing = {path.stem for path in (ROOT / "configs" / "method").glob("*.yaml")} - names
    assert not missing


def layer_table() -> str:
    """The table of test_layers.py as docs/architecture.md shows it, equal layers in one line."""
    same: dict[frozenset[str], list[str]] = {}
    for layer, allowed in ALLOWED.items():
        same.setdefault(frozenset(allowed), []).append(f"`{layer}`")
    lines = ["| layer | of ours | of others |", "| --- | --- | --- |"]
    for names, layers in same.items():
        ours = {name for name in names if any(PACKAGE.glob(f"{name.partition('.')[0]}*"))}
        cells = (", ".join(layers), ", ".join(sorted(ours)), ", ".join(sorted(names - ours)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def test_architecture_has_the_table_of_layers() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    shown = text.partition("<!-- begin layers -->\n")[2].partition("\n<!-- end layers -->")[0]
    assert shown == layer_table(), f"put this into docs/architecture.md:\n{layer_table()}"
