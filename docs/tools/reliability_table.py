"""Run every verb under every fault, and write what it answers into docs/reliability.md.

Each cell is a process of its own in a folder of its own; a verb reads a small scene, or a run trained on it.
`python docs/tools/reliability_table.py` takes five minutes on one core.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))  # has to precede the imports, hence their noqa

from fakes import write_seven_scenes  # noqa: E402
from tiny import TINY  # noqa: E402

from hinted_posenet.cli import verb as verb_module  # noqa: E402
from hinted_posenet.cli.main import main  # noqa: E402
from hinted_posenet.core.tables import insert_text  # noqa: E402

PAGE = ROOT / "docs/reliability.md"
SCENE = "data/seven_scenes/redkitchen"
LABEL = f"{SCENE}/seq-01/frame-000007.pose.txt"
RUN = "runs/seven_scenes/redkitchen/posenet/seed-0"
DATA = ["paths.data=data", "paths.cache=cache"]
SMALL = [*DATA, *TINY, "trainer.max_epochs=1"]
MAP = "flight/ortho_2024-07-10.tif"
CPU = ["accelerator=cpu", "threads=1"]
NO_FOLDER = "/proc/none/out"  # where nobody may write, root included


class Asked(NamedTuple):
    """A verb: its words, what it reads, and the keys of a number and of its output."""

    words: list[str]
    file: str = ""
    number: str = ""
    out: str = ""
    needs: bool = True  # the last word
    ending: str = ""  # of the output's name
    long: bool = False  # works for seconds before its first line is printed


VERBS = {
    "simulate": Asked(["expected=null", "recipe=tiny"], "", "seed", "root", needs=False, long=True),
    "train": Asked(
        [*SMALL, "name=new", "data=seven_scenes"], LABEL, "batch_size", "paths.run", long=True
    ),
    "evaluate": Asked(
        [*CPU, *DATA, f"checkpoint={RUN}"], f"{RUN}/localizer.ckpt", "workers", "out"
    ),
    "predict": Asked(
        [*CPU, f"images={SCENE}/seq-03", f"checkpoint={RUN}"],
        f"{RUN}/localizer.ckpt",
        "every",
        "out",
        ending=".csv",
    ),
    "locate": Asked(
        [*CPU, f"map={MAP}", "dem=flight/dem.tif", "priors=flight/priors.csv", "flight/photos"],
        MAP,
        "every",
        "out",
        ending=".csv",
    ),
    "track": Asked(
        [*CPU, f"images={SCENE}/seq-03", "rate_hz=10", f"checkpoint={RUN}"],
        f"{RUN}/localizer.ckpt",
        "every",
        "out",
        ending=".csv",
    ),
    "export-model": Asked(["out=new", RUN], f"{RUN}/localizer.ckpt", "", "out"),
    "show": Asked(
        ["what=run", "recipe=tiny", f"run={RUN}"],
        f"{RUN}/results.json",
        "seed",
        "out",
        ending=".jpg",
    ),
    "score": Asked(["poses.tum", "truth=truth.tum"], "poses.tum", "", "out"),
    "compare": Asked([RUN], f"{RUN}/results.json", "", "out"),
    "report": Asked([RUN], f"{RUN}/results.json", "", "out", ending=".html"),
    "study": Asked(
        [*SMALL, "methods=[null_hint]", "seeds=[0]", "data=seven_scenes"],
        LABEL,
        "batch_size",
        "out",
        long=True,
    ),
    "data check": Asked(["picture=false", SCENE], LABEL),
    "data fetch": Asked(["list=true", "7scenes"], needs=False),
    "data import": Asked(["out=new", "split=keep", SCENE], LABEL, "seed", "out"),
    "data export": Asked(["format=csv", *DATA, "out=new", "data=seven_scenes"], LABEL, "", "out"),
    "data stats": Asked(["picture=false", SCENE], LABEL),
    "data cache": Asked(["folder=cache"], "", "prune_gb", needs=False),
}

Change = Callable[
    [Asked], list[str] | None
]  # changes the folder; the words, None where it does not apply


def _damage(write: Callable[[Path, bytes], object]) -> Change:
    def change(asked: Asked) -> list[str] | None:
        if not asked.file:
            return None
        path = Path(asked.file)
        content = path.read_bytes()
        path.unlink()  # a link to the template's
        write(path, content)
        return asked.words

    return change


def _full_disk(asked: Asked) -> list[str]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    return asked.words


def _no_output(asked: Asked) -> list[str] | None:
    if asked.long:
        return None
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    return asked.words


def _deleted_folder(asked: Asked) -> list[str]:
    folder = Path("gone").absolute()
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    return asked.words


def _interrupt(asked: Asked) -> list[str]:
    call = verb_module.call

    def interrupted(verb: str, config: dict[str, object]) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return call(verb, config)

    vars(verb_module)["call"] = interrupted
    return asked.words


FAULTS: dict[str, Change] = {
    "a word that it needs is missing": lambda asked: asked.words[:-1] if asked.needs else None,
    "an unknown key": lambda asked: [*asked.words, "nonsense=1"],
    "`nan` for a number": lambda asked: (
        [*asked.words, f"{asked.number}=nan"] if asked.number else None
    ),
    "a name that is no UTF-8": lambda asked: [*asked.words[:-1], f"{asked.words[-1]}\udcff"],
    "its file is missing": _damage(lambda path, content: None),
    "a folder is in its place": _damage(lambda path, content: path.mkdir()),
    "the file is cut off": _damage(
        lambda path, content: path.write_bytes(content[: len(content) // 2])
    ),
    "the file is no UTF-8": _damage(
        lambda path, content: path.write_bytes(b"\xff\xfe\xfd" + content)
    ),
    "its output's folder cannot be made": lambda asked: (
        [*asked.words, f"{asked.out}={NO_FOLDER}{asked.ending}"] if asked.out else None
    ),
    "the disk is full": _full_disk,
    "the standard output is full": _no_output,
    "the current folder was deleted": _deleted_folder,
    "Ctrl-C": _interrupt,
}


def make_template(folder: Path) -> None:
    """Write a scene, a run trained on it, two trajectories, and a flight over a map."""
    folder.mkdir()
    shutil.copytree(ROOT / "examples/flight_over_map", folder / "flight")
    write_seven_scenes(folder / "data/seven_scenes", frames=4)
    rows = "".join(f"{n / 10:.1f} {n} 0 {n % 3} 0 0 0 1\n" for n in range(12))
    for name in ("poses.tum", "truth.tum"):
        (folder / name).write_text(rows)
    code, told = _ask(folder, "train", lambda asked: [*SMALL, "data=seven_scenes"])
    if code:
        raise RuntimeError(told)


def answers(faults: Iterable[str]) -> dict[tuple[str, str], tuple[int, str] | None]:
    """Return (exit code, last line of the errors) by fault and verb; None where a fault does not apply."""
    found: dict[tuple[str, str], tuple[int, str] | None] = {}
    with tempfile.TemporaryDirectory() as made:
        template, folder = Path(made, "template"), Path(made, "cell")
        make_template(template)
        for fault in faults:
            for verb in VERBS:
                shutil.copytree(template, folder, copy_function=os.link)
                answer = _ask(folder, verb, FAULTS[fault])
                found[fault, verb] = answer and (answer[0], answer[1].replace(made, ""))
                shutil.rmtree(folder)
                print(fault, "|", verb, "|", found[fault, verb], file=sys.stderr)
    return found


def _ask(folder: Path, verb: str, change: Change) -> tuple[int, str] | None:
    """Run a verb in a forked process, which has all libraries loaded."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _child(folder, verb, change, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        told = stream.read().decode()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 77:
        return None
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    told = "TRACEBACK" if "Traceback" in told else errors[-1] if errors else ""
    return code, told


def _child(folder: Path, verb: str, change: Change, errors: int) -> None:
    code: object = 1
    # which jobs in the background of a shell ignore
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(errors, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
        os.environ["HINTED_POSENET_DATASETS"] = "simulated"
        words = change(VERBS[verb])
        if words is None:
            os._exit(77)
        sys.argv = ["hinted-posenet", *verb.split(), *words]
        main()
        code = 0
    except SystemExit as stopped:
        code = stopped.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def table(found: dict[tuple[str, str], tuple[int, str] | None]) -> str:
    """Return a table of exit codes, and below it the lines of each fault."""
    faults = list(dict.fromkeys(fault for fault, _ in found))
    heads = [verb.removeprefix("data ") for verb in VERBS]
    lines = [f"| fault | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(heads)}"]
    for fault in faults:
        cells = [found[fault, verb] for verb in VERBS]
        lines.append(f"| {fault} | {' | '.join(str(cell[0]) if cell else '-' for cell in cells)} |")
    return "\n".join(
        [*lines, *(paragraph for fault in faults for paragraph in _lines(fault, found))]
    )


def _lines(fault: str, found: dict[tuple[str, str], tuple[int, str] | None]) -> list[str]:
    """Return the lines of one fault; verbs that say the same share one."""
    same: dict[str, list[str]] = {}
    for verb in VERBS:
        answer = found[fault, verb]
        if answer and answer[1]:
            same.setdefault(answer[1], []).append(verb)
    rows = [
        f"- {', '.join(verbs)}: `{line.removeprefix('error: ')}`" for line, verbs in same.items()
    ]
    return [f"\n### {fault[0].upper()}{fault[1:]}\n", *rows]


if __name__ == "__main__":
    insert_text(PAGE, "faults", table(answers(FAULTS)))
