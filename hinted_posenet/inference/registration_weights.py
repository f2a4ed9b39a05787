"""The network that registers images to maps of any place: its weights come with the package."""

from pathlib import Path

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.tensor_files import read_tensors
from hinted_posenet.models.registration.ground_registration import GroundRegistration

RELEASED = Path(__file__).parents[1] / "weights" / "ground_registration.pt"


def load_registration(weights: Path | None = None) -> GroundRegistration:
    """Load a network for maps from a file of its state, in evaluation mode; None is the released one.

    Raises:
        InputError: There is no such file, or it holds something else.
    """
    path = weights or RELEASED
    state = read_tensors(path, "give weights= the file of a trained registration")
    network = GroundRegistration()
    try:
        network.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError):
        raise InputError(
            f"{path}: expected the weights of a registration of this version; leave weights= out, or train it again"
        ) from None
    if not all(value.isfinite().all() for value in network.state_dict().values()):
        raise InputError(f"{path}: its weights are not finite; train it again")
    return network.eval()
