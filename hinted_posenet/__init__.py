"""Camera relocalization with hinted networks.

A hint with its covariance and an image go in, a pose with its covariance comes out:

    import hinted_posenet as hp

    localizer = hp.load("runs/aerial/village/hinted_memory/seed-0")
    hint = hp.Hint.at([120.0, 80.0, 150.0], sigma_m=[10.0, 15.0])
    estimate = localizer.locate("photo.jpg", hint=hint)
    print(estimate.position_m, estimate.sigma_m, estimate.status)

Names are imported when they are used, so that ``import hinted_posenet`` takes no time.
"""

from importlib import import_module

TYPE_CHECKING = (
    False  # true for type checkers; importing typing would take longer than all else here
)
if TYPE_CHECKING:
    from typing import Any

    from hinted_posenet.core.errors import InputError
    from hinted_posenet.core.geodesy import Origin
    from hinted_posenet.core.types import Hint, Pose
    from hinted_posenet.evaluation.score import score_file as score
    from hinted_posenet.inference.estimate import Estimate
    from hinted_posenet.inference.locate import Localizer, load
    from hinted_posenet.inference.map_localizer import MapLocalizer, open_map
    from hinted_posenet.inference.tracker import Tracker

__all__ = [
    "Estimate",
    "Hint",
    "InputError",
    "Localizer",
    "MapLocalizer",
    "Origin",
    "Pose",
    "Tracker",
    "load",
    "open_map",
    "score",
]

_WHERE = {  # name -> module, and its name there
    "Estimate": ("inference.estimate", "Estimate"),
    "Hint": ("core.types", "Hint"),
    "InputError": ("core.errors", "InputError"),
    "Localizer": ("inference.locate", "Localizer"),
    "MapLocalizer": ("inference.map_localizer", "MapLocalizer"),
    "Origin": ("core.geodesy", "Origin"),
    "Pose": ("core.types", "Pose"),
    "Tracker": ("inference.tracker", "Tracker"),
    "load": ("inference.locate", "load"),
    "open_map": ("inference.map_localizer", "open_map"),
    "score": ("evaluation.score", "score_file"),
}


def __getattr__(name: str) -> "Any":
    if name not in _WHERE:
        raise AttributeError(f"module 'hinted_posenet' has no attribute {name!r}")
    module, attribute = _WHERE[name]
    return getattr(import_module(f"hinted_posenet.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
