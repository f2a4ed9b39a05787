"""Help: from any folder, at once, for every verb."""

import os
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from hinted_posenet.cli.help import (
    DATA_VERBS,
    MANY,
    VERBS,
    config_file,
    data_help,
    group_help,
    groups_of,
    keys_of,
    main_help,
    places_of,
    verb_help,
)
from hinted_posenet.core.extensions import config_folder


def cli(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hinted_posenet", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def light(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The same, failing if anything heavy was imported."""
    code = (
        "import sys; sys.argv[0] = 'hinted-posenet'\n"
        "from hinted_posenet.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'hydra', 'omegaconf', 'numpy', 'scipy', 'cv2', 'yaml', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_help_answers_at_once(tmp_path):
    fastest = 60.0
    for arguments in (["--help"], [], ["train", "--help"]):
        started = time.perf_counter()
        result = light(*arguments, folder=tmp_path)
        fastest = min(fastest, time.perf_counter() - started)
        assert result.returncode == 0, result.stderr
        assert result.stdout.startswith("usage: hinted-posenet")
    assert fastest < 0.3


def test_installed_command_and_module_are_the_same(tmp_path):
    command = Path(sys.executable).with_name("hinted-posenet")
    installed = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert installed.stdout == cli("--help", folder=tmp_path).stdout == main_help() + "\n"
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_verb_names_the_choices(tmp_path):
    result = cli("trian", "data=seven_scenes", folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: unknown verb trian; choose one of simulate, train,")
    assert "did you mean train?" in result.stderr


VERB_NAMES = [verb for verb in VERBS if verb != "data"] + [f"data {verb}" for verb in DATA_VERBS]


@pytest.mark.parametrize("verb", VERB_NAMES)
def test_every_verb_has_a_module_and_a_help_that_imports_nothing_heavy(verb, tmp_path):
    module = config_file(verb).stem
    assert (Path(config_folder()).parent / "hinted_posenet" / "cli" / f"{module}.py").is_file()
    assert verb.split()[-1] in (data_help() if verb.startswith("data ") else main_help())
    result = light(*verb.split(), "--help", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: hinted-posenet {verb}")


@pytest.mark.parametrize("verb", VERB_NAMES)
def test_help_of_a_verb_fits_a_terminal_and_names_every_choice_and_key(verb):
    text = verb_help(verb)
    assert max(map(len, text.splitlines())) <= 96
    own = yaml.safe_load(config_file(verb).read_text())
    places = {place.key for place in places_of(verb)}
    assert {word.partition("=")[0] for word in re.findall(r"^  (\S+=)", text, re.MULTILINE)} >= {
        key for key in own.keys() - {"defaults", "hydra"} - places if not isinstance(own[key], dict)
    }
    assert "hydra:" not in text and "_target_" not in text
    for name, group in groups_of(verb).items():
        if len(group.choices) > 1:
            assert group.comment, name
            shown = set(re.findall(r"\w+", text))
            assert len(group.choices) > MANY or {path.stem for path in group.choices} <= shown


def test_help_stars_the_defaults_and_begins_with_what_has_to_be_chosen():
    text = verb_help("train")
    assert "tf_efficientnet_lite0*" in text and "posenet*" in text
    assert re.findall(r"^  (\w+) ", text.partition("groups")[2], re.MULTILINE)[:2] == [
        "data",
        "method",
    ]
    assert "lawnmower*" in verb_help("simulate") and "random*" in verb_help("simulate")


CHOICES = sorted((verb, name) for verb in VERB_NAMES for name in groups_of(verb))


@pytest.mark.parametrize(("verb", "group"), CHOICES)
def test_help_of_a_group_says_what_every_choice_is(verb, group):
    text = group_help(verb, group)
    for path in groups_of(verb)[group].choices:
        assert re.search(rf"^{group}={path.stem}\*?  \w+", text, flags=re.MULTILINE), path
    assert "_target_" not in text


def test_help_of_a_group_on_the_command_line(tmp_path):
    result = cli("train", "--help", "head", "loss", folder=tmp_path)
    assert "head.bound=4.0" in result.stdout and "loss.beta=500.0" in result.stdout
    result = cli("train", "head=film", "-h", folder=tmp_path)
    assert "head.pooled=3" in result.stdout
    result = cli("train", "--help", "heads", folder=tmp_path)
    assert result.returncode == 2 and "did you mean head?" in result.stderr


UNITS = "m|deg|px|s|ev|gb|mb|kb"
FILES = [
    file
    for file in sorted(config_folder().rglob("*.yaml"))
    if file.parent.name not in ("method", "experiment")
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_number_of_a_config_says_what_it_counts(file):
    """By its name or by its comment; methods and experiments set keys of other files."""
    for key, (default, comment) in keys_of(file).items():
        number = re.fullmatch(r"\[?-?[\d.]+(, .*)?", default)
        assert not number or comment or re.search(rf"_({UNITS})(_|$)", f"_{key}"), key


def test_version_is_that_of_the_installed_package(tmp_path):
    assert (
        cli("--version", folder=tmp_path).stdout == f"hinted_posenet {version('hinted_posenet')}\n"
    )


def test_a_reader_that_has_read_enough_is_no_error():
    program = (
        "from hinted_posenet.core.errors import one_line_errors\n"
        "with one_line_errors():\n    print('line\\n' * 100_000)\n"
    )
    command = f'{sys.executable} -c "$PROGRAM" | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PROGRAM": program},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("line\n", "", 141)
