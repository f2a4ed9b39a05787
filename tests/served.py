"""Small localizers behind the service, photos for them, and what clients send."""

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import torch
from fastapi.testclient import TestClient
from maps import K, down, photo_of, write_map
from PIL import Image
from tiny import small_checkpoint

import hinted_posenet as hp
from hinted_posenet.inference.map_localizer import MapLocalizer
from hinted_posenet.inference.service import create_app
from hinted_posenet.models.registration.ground_registration import GroundRegistration
from hinted_posenet.simulator.world.map_files import MapFiles

ADDRESS = "http://127.0.0.1:8000"
MAP_K = ",".join(map(str, K))
MAP_HINT = {"position_m": "2,-1,301", "sigma_m": "3,2", "heading_deg": "0", "sigma_r_deg": "2"}
MAP_HINT |= {"K": MAP_K}


def small_localizer(folder: Path, method: str = "hinted_residual") -> hp.Localizer:
    """Answers of random weights, somewhere within 10 m or so."""
    return hp.load(small_checkpoint(folder, f"method={method}"), "cpu")


def map_localizer(folder: Path) -> MapLocalizer:
    """An untrained network, whose windows align photos of the same day."""
    photo, dem = write_map(folder, height_m=200.0)
    torch.manual_seed(0)
    return MapLocalizer(
        MapFiles(photo, dem, "ellipsoid"), GroundRegistration().eval(), torch.device("cpu")
    )


def encoded(pixels: np.ndarray, suffix: str = "png", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, suffix, **options)
    return file.getvalue()


def noise(seed: int = 0, side: int = 64) -> bytes:
    """A photo that the small localizers' camera could have taken."""
    return encoded(np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8))


def aerial_photo() -> bytes:
    """Seen from 300 m above the middle of the map, heading north."""
    return encoded(photo_of(down(0.0, 0.0, 300.0), 200.0))


@contextmanager
def client(localizer: hp.Localizer | MapLocalizer, **options: Any) -> Iterator[TestClient]:
    with TestClient(create_app(localizer, **options), ADDRESS) as opened:
        yield opened


def locate(client: Any, image: bytes | None, **fields: str) -> Any:
    """The response to a form with an image and text fields."""
    parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in fields.items()]
    if image is not None:
        parts.append(("image", ("photo.png", image)))
    return client.post("/locate", files=parts)


def small_run(folder: Path) -> Path:
    """A run's folder, for a process of its own."""
    return small_checkpoint(folder, "method=hinted_memory")


@contextmanager
def running(run: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The service as a process on a free port, and a client of it."""
    command = [sys.executable, "-m", "hinted_posenet", "serve", str(run), "port=0", "threads=1"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "accelerator=cpu", *words], **pipes) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            address = re.search(r"http://\S+:(\d+)/", process.stdout.readline())
            assert address, process.stderr.read()
            local = f"http://127.0.0.1:{address[1]}"
            with httpx.Client(base_url=local, timeout=60, trust_env=False) as client:
                yield process, client
        finally:
            process.kill()
