import subprocess
import sys
from collections.abc import Callable

import pytest
from hydra.core.global_hydra import GlobalHydra

from hinted_posenet.cli.main import main

Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(tmp_path, monkeypatch, capfd) -> Here:
    """The command line in an empty folder, inside this process: torch is imported but once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HINTED_POSENET_DATA", raising=False)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr(sys, "argv", ["hinted-posenet", *words])
        capfd.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
        GlobalHydra.instance().clear()
        output, errors = capfd.readouterr()
        if isinstance(code, str):  # python prints it and exits with 1
            code, errors = 1, f"{errors}{code}\n"
        return subprocess.CompletedProcess(words, int(code or 0), output, errors)

    return run
