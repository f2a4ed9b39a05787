"""The network that registers images to maps of any place: its weights come with the package."""

import pickle
from pathlib import Path

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import check_file
from hinted_posenet.models.registration.ground_registration import GroundRegistration

RELEASED = Path(__file__).parents[1] / "weights" / "ground_registration.pt"
MOST_BYTES = 64 << 20


def load_registration(weights: Path | None = None) -> GroundRegistration:
    """Load a network for maps from a file of its state; None is the released one.

    Raises:
        InputError: There is no such file, or it holds something else.
    """
    path = weights or RELEASED
    check_file(path, MOST_BYTES, "give weights= a file of a trained registration")
    network = GroundRegistration()
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (RuntimeError, pickle.UnpicklingError, EOFError, AttributeError, TypeError, ValueError):
        raise InputError(
            f"{path}: expected the weights of a registration of this version; leave weights= out, or train anew"
        ) from None
    return network.eval()
