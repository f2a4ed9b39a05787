"""Train a registration: batches are drawn step by step, and an interrupted training resumes to the bit.

Batches are of training images over the map of their place (`PlaceDraws`), or of anything else that draws them.
"""

import csv
import io
import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import write_text
from hinted_posenet.core.tensor_files import read_tensors, write_tensors
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.hints.gaussian import log_uniform, perturb
from hinted_posenet.models.registration.ground_registration import (
    GroundRegistration,
    Surroundings,
    take_surroundings,
)
from hinted_posenet.models.registration.loss import registration_loss
from hinted_posenet.models.registration.map_registration import MapRegistration
from hinted_posenet.models.registration.search import Views

log = logging.getLogger(__name__)

BATCH, LEARNING_RATE, WEIGHT_DECAY, WARM_UP = 8, 5e-3, 1e-3, 0.15
MOST_NORM = 1.0  # of the gradient
SIGMA_CELLS, SIGMA_R_RAD = (0.6, 6.0), (0.005, 0.05)  # of the hints: cells of the map, radians
PHOTOS = 2  # of the map, that an image is held against in a step
TRIES = 20  # batches that are drawn until one has an image that another photo shows
SAVE_EVERY = 20  # steps


class Drawn(NamedTuple):
    """A batch to train on."""

    views: Views  # (B,)
    hint: Hint  # (B,)
    truth: Pose  # (B,)
    around: Surroundings  # (B,)
    allowed: Tensor  # (B, D) bool, photos that an image may be held against


Draw = Callable[[int], Drawn]  # the number of a step -> its batch


def fit_registration(
    network: GroundRegistration,
    draw: Draw,
    steps: int,
    seed: int,
    file: Path | None = None,
    learning_rate: float = LEARNING_RATE,
) -> list[float]:
    """Train a network, and return the loss of each step.

    Args:
        network: whose weights are changed; they are not trainable afterwards.
        draw: of step 0, 1, ..., the same batch whenever it is asked for a step.
        steps: in all, with those of an interrupted training.
        seed: of torch's own generator, for what ``draw`` may take from it.
        file: where the state of an interrupted training lies.
        learning_rate: the largest one, which is reached after some steps.

    Raises:
        InputError: The file is of a training of another length.
    """
    network.train().requires_grad_(True)
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=max(steps, 2), pct_start=WARM_UP
    )
    parts: dict[str, Any] = {"network": network, "optimizer": optimizer, "schedule": schedule}
    losses = _restore(file, parts, steps) if file else []
    with tqdm(total=steps, initial=len(losses), desc="registration", unit="step") as progress:
        for step in range(len(losses), steps):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(_seed(seed, step))
                drawn = draw(step)
            loss = registration_loss(network, *drawn).mean()
            optimizer.zero_grad()
            if loss.isfinite():
                loss.backward()  # type: ignore[no-untyped-call]  # torch states no types for it
                torch.nn.utils.clip_grad_norm_(network.parameters(), MOST_NORM)
                optimizer.step()
            schedule.step()
            losses.append(loss.item())
            progress.set_postfix(loss=f"{losses[-1]:.2f}")
            progress.update()
            if file and len(losses) % SAVE_EVERY == 0 and len(losses) < steps:
                state = {name: part.state_dict() for name, part in parts.items()}
                write_tensors(file, {"steps": steps, "losses": losses, **state})
    network.eval().requires_grad_(False)
    return losses


def write_losses(path: Path, losses: list[float]) -> None:
    """Write the loss of each step as CSV."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["step", "loss"])
    rows.writerows([step, f"{loss:.6g}"] for step, loss in enumerate(losses, start=1))
    write_text(path, text.getvalue())


class PlaceDraws:
    """Draws training images of a place, hints around their poses, and photos of the map that are not their own.

    Args:
        registration: whose map it is.
        images: of training, as a camera took them.
        photo: (N,) int64, number of the photo in the map that each image belongs to; -1: none.
        focal_px: usual focal length of the images.
        seed: of all that is drawn.
    """

    def __init__(
        self,
        registration: MapRegistration,
        images: PosedImages,
        photo: Tensor,
        focal_px: float,
        seed: int,
    ):
        assert registration.ground is not None
        self.ground, self.images, self.photo, self.seed = registration.ground, images, photo, seed
        height, width = images[0].query.image.shape[-2:]
        self.cell_m = registration.usual_cell_m(focal_px, (height, width))

    def __call__(self, step: int) -> Drawn:
        """Draw the batch of a step.

        Raises:
            InputError: No image was found on another photo than its own.
        """
        generator = Generator().manual_seed(_seed(self.seed, step))
        for _ in range(TRIES):
            drawn = self._batch(generator)
            some = drawn.allowed.any(dim=1)
            if some.any():
                return _rows(drawn, torch.nonzero(some)[:, 0])
        raise InputError(
            "refine: the map shows no training image but on the photo of its own date, so that it cannot be "
            "trained on this place; give refine.steps=0 and refine.weights, or a map that covers the images"
        )

    def _batch(self, generator: Generator) -> Drawn:
        rows = torch.randint(len(self.images), (BATCH,), generator=generator)
        sample = self.images.__getitems__(rows.tolist())
        views, truth = Views(sample.query.image, sample.query.K), sample.T_world_cam
        sigma_m = self.cell_m * log_uniform(*SIGMA_CELLS, BATCH, generator)
        sigma_rad = log_uniform(*SIGMA_R_RAD, BATCH, generator)
        pose = perturb(truth, sigma_m, sigma_rad, generator)
        hint = Hint.isotropic(pose, sigma_m, sigma_rad)
        around = take_surroundings(self.ground, views, hint)
        count = around.patch.known.shape[1]
        allowed = around.patch.known.flatten(2).any(dim=2)
        allowed &= torch.arange(count) != self.photo[rows].unsqueeze(1)
        order = torch.rand(allowed.shape, generator=generator).where(allowed, -1.0)
        chosen = order.topk(min(PHOTOS, count), dim=1).indices
        patch = around.patch.of(chosen)
        return Drawn(views, hint, truth, around._replace(patch=patch), allowed.gather(1, chosen))


def train_on_place(
    registration: MapRegistration,
    images: PosedImages,
    photo: Tensor,
    focal_px: float,
    seed: int,
    folder: Path,
) -> None:
    """Train the network of a map on its training images; state and losses are kept in a run's folder."""
    if not registration.steps:
        return
    if len(registration.dates) < 2:
        log.warning(
            "registration: the map has one photo alone, so that it does not show what photos of different dates "
            "share; the network stays as it is"
        )
        return
    started = time.monotonic()
    draws = PlaceDraws(registration, images, photo, focal_px, seed)
    file = folder / "registration" / "training.pt"
    losses = fit_registration(registration.network, draws, registration.steps, seed, file)
    registration.train_s.fill_(time.monotonic() - started)
    write_losses(folder / "registration.csv", losses)
    if not math.isfinite(losses[-1]):
        raise InputError("registration: its training diverged; train with another seed")


def _restore(file: Path, parts: dict[str, Any], steps: int) -> list[float]:
    """Load what an interrupted training has left, and return its losses; nothing is left of a new one."""
    if not file.is_file():
        return []
    try:
        state = read_tensors(file, "delete it to start again")
        if state["steps"] != steps:
            raise InputError(
                f"{file}: of a training of {state['steps']} steps, not {steps}; delete it to start again"
            )
        for name, part in parts.items():
            part.load_state_dict(state[name])
        return [float(loss) for loss in state["losses"]]
    except (TypeError, KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file}: not readable ({reason}); delete it to start again") from None


def _rows(drawn: Drawn, rows: Tensor) -> Drawn:
    """Return some of a batch."""
    views, hint, truth, (patch, canvas), allowed = drawn
    return Drawn(
        Views(*(part[rows] for part in views)),
        Hint(Pose(hint.pose.t[rows], hint.pose.q[rows]), hint.covariance[rows]),
        Pose(truth.t[rows], truth.q[rows]),
        Surroundings(type(patch)(*(part[rows] for part in patch)), canvas),
        allowed[rows],
    )


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])
