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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hinted_posenet.core.errors import InputError
    from hinted_posenet.core.geodesy import Origin
    from hinted_posenet.core.types import Hint, Pose
    from hinted_posenet.evaluation.score import score_file as score
    from hinted_posenet.inference.estimate import Estimate
    from hinted_posenet.inference.locate import Localizer, load

__all__ = ["Estimate", "Hint", "InputError", "Localizer", "Origin", "Pose", "load", "score"]

_WHERE = {
    "Estimate": "inference.estimate",
    "Hint": "core.types",
    "InputError": "core.errors",
    "Localizer": "inference.locate",
    "Origin": "core.geodesy",
    "Pose": "core.types",
    "load": "inference.locate",
    "score": "evaluation.score.score_file",
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'hinted_posenet' has no attribute {name!r}")
    module, _, function = _WHERE[name].partition(".score.")
    found = import_module(f"hinted_posenet.{module}{'.score' if function else ''}")
    return getattr(found, function or name)


def __dir__() -> list[str]:
    return sorted(__all__)
