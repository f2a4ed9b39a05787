"""No module uses the network when it is imported, and the guard of the suite holds.

urllib3 opens a socket to see whether there is IPv6, and connects it to nothing.
"""

import socket
import subprocess
import sys

import pytest
from no_network import NetworkUsedError

IMPORT_ALL = """
import importlib, pkgutil, socket

def refuse(*arguments, **more):
    raise SystemExit(f"a connection was wanted: {arguments}")

for name in ("connect", "connect_ex", "sendto", "listen"):
    setattr(socket.socket, name, refuse)
socket.getaddrinfo = refuse
import hinted_posenet
modules = pkgutil.walk_packages(hinted_posenet.__path__, "hinted_posenet.")
names = [m.name for m in modules if not m.name.endswith("__main__")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_importing_the_whole_package_connects_to_nothing():
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 150


def test_the_suite_reaches_no_other_machine():
    with pytest.raises(NetworkUsedError):
        socket.create_connection(("example.org", 80), timeout=1)
    with pytest.raises(NetworkUsedError), socket.socket() as opened:
        opened.connect(("192.0.2.1", 80))
    with (
        pytest.raises(NetworkUsedError),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened,
    ):
        opened.sendto(b"x", ("192.0.2.1", 53))
