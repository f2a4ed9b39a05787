"""Open a localizer and answer requests for it until Ctrl-C."""

import errno
import ipaddress
import logging
import os
import socket

import uvicorn

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.query_camera import given_camera
from hinted_posenet.inference.locate import Localizer, load
from hinted_posenet.inference.locate_over_map import opened_map
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.serve_settings import ServeSettings, check_source
from hinted_posenet.inference.service import create_app
from hinted_posenet.inference.service_guard import is_local

CONNECTIONS = 200  # at once
GRACE_S = 5  # for requests that are answered when the service ends

log = logging.getLogger(__name__)


def serve(settings: ServeSettings) -> None:
    """Answer requests until Ctrl-C.

    Raises:
        InputError: Settings, checkpoint, map or address cannot be used.
    """
    check_source(settings)
    camera = given_camera(settings.K, settings.focal_px, settings.camera_file)
    with bound_socket(settings.host, settings.port) as listening:  # before work that takes time
        app = create_app(
            opened(settings),
            camera,
            settings.host,
            settings.max_mb,
            settings.timeout_s,
            settings.queue,
        )
        if not is_local(settings.host):
            log.warning(
                "host=%s: whoever reaches this machine can send images, and nothing is encrypted; keep it to a "
                "network that you trust, or leave host out",
                settings.host,
            )
        listening.listen(CONNECTIONS)
        name = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"http://{name}:{listening.getsockname()[1]}/ answers; Ctrl-C ends it", flush=True)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=GRACE_S,
        )
        uvicorn.Server(config).run(sockets=[listening])


def opened(settings: ServeSettings) -> Localizer | MapLocalizer:
    """Open what settings name: a trained run, or a map.

    Raises:
        InputError: It cannot be opened.
    """
    if settings.checkpoint is not None:
        assert isinstance(settings.map, str | None) and isinstance(settings.dem, str | None)
        device = settings.accelerator, settings.threads
        return load(settings.checkpoint, *device, settings.map, settings.dem)
    return opened_map(settings)


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to an address; port 0 takes a free one.

    Raises:
        InputError: The host is not of this machine, or the port is taken.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise InputError(
            f"host={host}: expected an address of this machine; give 127.0.0.1, or 0.0.0.0 for all"
        ) from None
    bound = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((str(address), port))
    except OSError as error:
        bound.close()
        fixes = {
            errno.EADDRINUSE: f"port={port}: is taken; give another one, or port=0 for a free one",
            errno.EACCES: f"port={port}: is not for users; give one of 1024 or more, or port=0",
            errno.EADDRNOTAVAIL: f"host={host}: is no address of this machine; give 127.0.0.1",
        }
        why = f"host={host} port={port}: {os.strerror(error.errno or 0)}; choose others"
        raise InputError(fixes.get(error.errno or 0, why)) from None
    return bound
