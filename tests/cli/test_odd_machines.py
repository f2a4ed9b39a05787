"""The program on odd machines: no home, another locale, no output, no folder, little memory, Ctrl-C at once."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import TINY, Workspace

PROGRAM = [sys.executable, "-m", "hinted_posenet"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def ask(words: list[str], shell: str = "", **how) -> subprocess.CompletedProcess[str]:
    """Run a line, in bash where ``shell`` continues it (`> /dev/full`); it never answers with a traceback."""
    command = [*PROGRAM, *words]
    environment = {**os.environ, **how.pop("environment", {})}
    given = (
        [*("bash", "-o", "pipefail", "-c", f'"$@" {shell}', "bash"), *command] if shell else command
    )
    done = subprocess.run(
        given, env=environment, capture_output=True, text=True, timeout=300, **how
    )
    for told in ("Traceback", "Exception ignored", "HYDRA_FULL_ERROR"):
        assert told not in done.stderr, done.stderr
    return done


CACHE = ["data", "cache", "folder=none"]
STREAMS = {  # how the streams are -> exit code, and the error
    "> /dev/full": (
        1,
        "error: output: No space left on device; free space, or choose another place\n",
    ),
    ">&-": (0, ""),
    "<&- >&- 2>&-": (0, ""),
    "2> /dev/null": (0, ""),
}


@pytest.mark.parametrize("shell", STREAMS)
def test_an_output_that_cannot_be_written_is_told(tmp_path, shell):
    done = ask(CACHE, shell, cwd=tmp_path)
    assert (done.returncode, done.stderr) == STREAMS[shell]


def test_a_deleted_folder_is_told(tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    done = ask(CACHE, cwd=tmp_path, preexec_fn=lambda: (os.chdir(folder), folder.rmdir()))
    assert done.returncode == 2
    assert done.stderr == "error: the current folder was deleted; change to another one\n"


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_told():
    done = ask(["data", "import", "x", "out=y"], cwd="/proc")
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_a_machine_without_a_home_or_a_temporary_folder(tmp_path):
    bare = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "TMPDIR": "/none",
    }
    given = [*PROGRAM, "data", "cache"]
    done = subprocess.run(given, env=bare, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(".cache/hinted_posenet: ")


def test_names_that_the_locale_cannot_write_are_told_first(tmp_path):
    done = ask(["data", "check", "\u00e4"], cwd=tmp_path, environment=ASCII)
    assert done.returncode == 2
    assert done.stderr.endswith("cannot be written as utf-8; set PYTHONUTF8=1\n")


def test_any_name_can_be_printed(tmp_path):
    given = ["data", "cache", "folder=\u00e4"]
    done = ask(given, cwd=tmp_path, environment={"PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stdout) == (0, "\\xe4: 0.00 GB\n")


@pytest.mark.parametrize("name", ["typo", "a..b", "../x", "x y"])
def test_an_extension_that_is_none_is_told(tmp_path, name):
    done = ask(["data", "cache"], cwd=tmp_path, environment={"HINTED_POSENET_EXTENSIONS": name})
    assert done.returncode == 2
    assert f"HINTED_POSENET_EXTENSIONS={name}: no such package" in done.stderr


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def test_two_gigabytes_are_enough_for_help(tmp_path):
    assert ask(["train", "--help"], cwd=tmp_path, preexec_fn=limited).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["train", "predict"])
def test_too_little_memory_for_the_libraries_is_told(tmp_path, verb):
    lines = {
        "train": ["data=csv", "data.scene=x", "head.hidden=3"],
        "predict": ["checkpoint=x", "images=y"],
    }
    done = ask([verb, *lines[verb]], cwd=tmp_path, preexec_fn=limited)
    assert done.returncode in (1, 2) and done.stderr.count("\n") == 1, done.stderr


@pytest.mark.slow
def test_a_run_in_folders_with_spaces_quotes_and_letters(tmp_path):
    place = Workspace(tmp_path / "my \u00e4 'data' (1) = \"x\"")
    given = place.train_overrides("trainer.max_epochs=1")
    done = ask(["train", *given], cwd=place.folder)
    assert done.returncode == 0, done.stderr
    run = place.folder / "runs" / "seven_scenes" / "redkitchen" / "posenet" / "seed-0"
    common = [f"checkpoint={run}", "accelerator=cpu", "threads=1"]
    predicted = ask(["predict", *common, f"images={place.scene / 'seq-03'}"], cwd=place.folder)
    assert predicted.returncode == 0, predicted.stderr


@pytest.mark.slow
def test_an_interrupt_in_the_first_seconds_is_one_line(tmp_path):
    """After Python itself has started, which takes longer on a busy machine."""
    place = Workspace(tmp_path)
    began = time.monotonic()
    ask(["--help"], cwd=tmp_path)
    start_s = time.monotonic() - began
    command = [
        *PROGRAM,
        "train",
        "data=seven_scenes",
        *place.paths,
        *TINY,
        "trainer.max_epochs=1000",
    ]
    for share in range(1, 9):
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        time.sleep(start_s + share * 0.4)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1, errors
        assert "Traceback" not in errors and "error: interrupted" in errors, errors
        for run in Path(tmp_path, "runs").glob("**/seed-0"):
            run.rename(tmp_path / f"stopped-{share}")
