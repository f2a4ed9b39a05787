"""Hostile command lines over all verbs, up to the point where a verb would begin its work.

A line is a sound one of its verb with one word more, or with a hostile value for one of its keys. The answer is
one line `error: ...` with exit code 2, or the line is sound and the verb would run.
"""

import random
import sys
import time

import pytest

from hinted_posenet.cli import verb as verb_module
from hinted_posenet.cli.help import DATA_VERBS, VERBS, config_file, keys_of
from hinted_posenet.cli.main import main

SOUND = {  # a sound line of each verb
    "simulate": [],
    "train": ["data=csv", "data.scene=x"],
    "evaluate": ["checkpoint=x"],
    "predict": ["checkpoint=x", "images=y"],
    "locate": ["x", "map=y"],
    "track": ["x", "images=y"],
    "serve": ["x"],
    "show": [],
    "score": ["x.txt", "truth=y"],
    "compare": ["x"],
    "report": ["x"],
    "study": ["data=csv", "data.scene=x"],
    "export-model": ["x", "out=y"],
    "data check": ["x"],
    "data fetch": ["7scenes"],
    "data import": ["x", "out=y"],
    "data export": ["data=csv", "data.scene=x", "format=csv", "out=y"],
    "data stats": ["x"],
    "data cache": [],
}
VALUES = [
    *("", " ", "null", "None", "nan", "inf", "-inf", "1e999", "-1", "0.5", "18446744073709551616"),
    *("[", "[a,b]", "[1,[2,[3]]]", "[[nan,1]]", "{a:1}", "{", "'", '"', "\\", "a,b", "range(0,9)"),
    *("${x}", "${oc.env:NOPE}", "${", "${name}", "\u00b2", "\u00e4", "\udcff", "a\nb", "\x1b[31m"),
    *("x" * 5000, "[" * 300 + "]" * 300, "true", "~", "../..", "a=b", "(a)", "interval(0,1)"),
]
WORDS = [
    *(
        "=",
        "=3",
        "a..b=1",
        ".=1",
        "+nope=1",
        "++a.b=2",
        "~nope",
        "~",
        "+",
        "--",
        "-",
        "-x",
        "--nope",
    ),
    *(
        "--cfg",
        "--cfg=x",
        "--info=x",
        "--resolve",
        "--config-name",
        "--config-name=nope",
        "--config-dir=no",
    ),
    *(
        "--multirun=3",
        "--experimental-rerun=x",
        "hydra/launcher=nope",
        "\u00e4=1",
        "\udcff=1",
        "defaults=1",
    ),
    *("@=1", "a@b=c", "a b", "a b=1", "/=1", "a/b=c", "nope=1", "hydra.mode=nope", "hydra=1", "\n"),
]


def lines(verb: str) -> list[list[str]]:
    """Return hostile lines of a verb, always in the same order."""
    sound = [*verb.split(), *SOUND[verb]]
    keys = sorted(
        {*keys_of(config_file(verb)), *(word.partition("=")[0] for word in SOUND[verb][-1:])}
    )
    draw = random.Random(verb)
    pairs = [(key, value) for key in keys for value in VALUES]
    values = [f"{key}={value}" for key, value in draw.sample(pairs, min(len(pairs), 14))]
    return [[*sound, word] for word in [*draw.sample(WORDS, 12), *values]]


@pytest.fixture
def answer(monkeypatch, capsys, tmp_path):
    """Give a line to the program; None where it is answered as it should be, else what is wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verb_module, "call", lambda verb, config: None)

    def ask(words: list[str]) -> str | None:
        monkeypatch.setattr(sys, "argv", ["hinted-posenet", *words])
        began_s, code = time.process_time(), 0
        try:
            main()
        except SystemExit as stopped:
            code = stopped.code
        except BaseException as error:
            return f"{words}: {error!r}"
        told = capsys.readouterr().err
        one_line = told.startswith("error: ") and told.count("\n") == 1
        if code and not (one_line and code == 2 and told[:-1].isprintable()):
            return f"{words}: exit code {code}, {told}"
        if time.process_time() - began_s > 10:
            return f"{words}: took longer than 10 s"
        return None

    return ask


def test_a_sound_line_of_every_verb_is_known():
    assert {*SOUND} == {*VERBS} - {"data"} | {f"data {verb}" for verb in DATA_VERBS}


@pytest.mark.parametrize("verb", ["predict", "score", "data check"])
def test_some_hostile_words_are_answered_in_one_line(answer, verb):
    wrong = [answer(line) for line in random.Random(0).sample(lines(verb), 8)]
    assert not [told for told in wrong if told]


@pytest.mark.slow
@pytest.mark.parametrize("verb", SOUND)
def test_every_hostile_line_is_answered_in_one_line(answer, verb):
    wrong = [answer(line) for line in lines(verb)]
    print(f"{verb}: {len(wrong)} hostile lines")
    assert not [told for told in wrong if told]
