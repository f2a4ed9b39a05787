"""Help: from any folder, at once, for every verb."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hinted_posenet.cli.help import (
    DATA_VERBS,
    HYDRA_VERBS,
    VERBS,
    config_folder,
    data_help,
    main_help,
    verb_help,
)


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
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: unknown verb trian; choose one of simulate, train,")
    assert "did you mean train?" in result.stderr


VERB_NAMES = [verb for verb in VERBS if verb != "data"] + [f"data {verb}" for verb in DATA_VERBS]


@pytest.mark.parametrize("verb", VERB_NAMES)
def test_every_verb_has_a_module_and_a_help_that_imports_nothing_heavy(verb, tmp_path):
    module = verb.replace(" ", "/").replace("import", "import_")
    assert (Path(config_folder()).parent / "hinted_posenet" / "cli" / f"{module}.py").is_file()
    assert verb.split()[-1] in (data_help() if verb.startswith("data ") else main_help())
    result = light(*verb.split(), "--help", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"usage: hinted-posenet {verb}")


@pytest.mark.parametrize("verb", HYDRA_VERBS)
def test_help_of_a_verb_names_every_key_of_its_config(verb):
    text = verb_help(verb)
    own = (config_folder() / f"{verb.split()[-1]}.yaml").read_text().partition("\n\n")[2]
    for key in re.findall(r"^(\w+):", own.partition("hydra:")[0], flags=re.MULTILINE):
        assert re.search(rf"^{key}:", text, flags=re.MULTILINE), key
    assert "hydra:" not in text


def test_help_of_train_names_every_choice():
    text = verb_help("train")
    for group in ("data", "backbone", "head", "method", "start_hint", "loss"):
        line = next(line for line in text.splitlines() if line.split()[:1] == [group])
        for choice in (config_folder() / group).glob("*.yaml"):
            assert choice.stem in line
    assert "tf_efficientnet_lite0*" in text  # the default is starred


def test_a_reader_that_has_read_enough_is_no_error():
    program = (
        "from hinted_posenet.cli.errors import one_line_errors\n"
        "with one_line_errors():\n    print('line\\n' * 100_000)\n"
    )
    command = f'{sys.executable} -c "$PROGRAM" | head -1'
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env={**os.environ, "PROGRAM": program},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("line\n", "", 0)
