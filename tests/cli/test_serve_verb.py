"""serve: what it refuses before it starts, and how Ctrl-C ends it."""

import signal
import socket
from pathlib import Path

import pytest
from served import locate, noise, running, small_run


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ([], "nothing to localize with; give RUN, a run's folder, or map=FILE", 2),
        (["run", "weights=a.pt"], "weights: is for a map without a run", 2),
        (["run", "map={a: b}"], "map: one file or folder for the map of a run", 2),
        (["run", "port=70000"], "port=70000: expected 65535 or less", 2),
        (["run", "queue=0"], "queue=0: expected 1 or more", 2),
        (["run", "host=robot"], "host=robot: expected an address of this machine", 1),
        (["run", "host=192.0.2.1"], "host=192.0.2.1: is no address of this machine", 1),
        (["run", "port=0"], "run: ", 1),
        (["run", "port=0", "K=[1,2,3,4]", "focal_px=3"], "two cameras", 1),
        (["port=0", "map=absent.tif"], "absent.tif: no such file", 1),
    ],
)
def test_mistakes_are_told_in_one_line(here, words: list[str], told: str, code: int) -> None:
    done = here("serve", *words)
    assert told in done.stderr and done.stderr.count("\n") == 1
    assert done.returncode == code


def test_a_taken_port_is_told_before_anything_is_loaded(here) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = here("serve", "no/such/run", f"port={port}")
    assert f"port={port}: is taken; give another one, or port=0 for a free one" in done.stderr


@pytest.mark.slow
def test_ctrl_c_ends_it_as_any_verb(tmp_path: Path) -> None:
    with running(small_run(tmp_path), "host=0.0.0.0") as (process, client):
        assert locate(client, noise()).status_code == 200
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "whoever reaches this machine can send images" in errors
    assert errors.splitlines()[-1] == "error: interrupted; the service has ended"
    assert "Traceback" not in errors and output == ""
