"""What a localizer's prediction states of one image, as an `Estimate` in the world."""

from itertools import pairwise

import torch
from torch import Tensor

from hinted_posenet.core.types import Hint, Modes, Pose
from hinted_posenet.data.posed_images import map_tensors
from hinted_posenet.inference.belief import row_of
from hinted_posenet.inference.estimate import Estimate, Mode, Status
from hinted_posenet.inference.localizer import Prediction
from hinted_posenet.inference.map_refinement import MapRefined
from hinted_posenet.inference.place import Place
from hinted_posenet.inference.refinement import Refined


def stated(
    prediction: Prediction, modes: Modes | None, started: str, place: Place, certain_m: float
) -> Estimate:
    """Return what a prediction (1,) states, with the places (1, K) that its image may show.

    ``started`` names what it started from, and sigmas of the position beyond ``certain_m`` are uncertain.
    """
    answer, out_of_map = prediction.answers[-1], float(prediction.out_of_map[0])
    changed = [not torch.equal(a.t, b.t) for a, b in pairwise(prediction.poses)]
    refined = prediction.refined
    if refined and started == "given" and refined.contradicted[0]:
        started = "contradicted"
    t, q, covariance = (part[0].cpu().double() for part in (*answer.pose, answer.covariance))
    return Estimate(
        Pose(t + place.offset_m, q),
        covariance,
        _status(
            out_of_map,
            float(answer.sigma_t_m[0]) <= certain_m,
            bool(refined.found[0]) if refined else None,
        ),
        started,
        1 + sum(changed),
        out_of_map,
        _modes(modes, place.offset_m) if modes else (),
        place.origin,
        int(refined.inliers[0]) if isinstance(refined, Refined) else None,
        bool(refined.found[0]) if isinstance(refined, MapRefined) else None,
        _image_alone(refined, place.offset_m),
    )


def _status(out_of_map: float, certain: bool, found: bool | None) -> Status:
    """Return the status of an answer.

    Landmarks that agree, or a map that fits, show that the image is of the map; None: there is neither.
    """
    if found is not None:
        return "ok" if found and certain else "uncertain"
    if out_of_map > 1.0:
        return "outside the map"
    return "ok" if certain else "uncertain"


def _image_alone(refined: Refined | MapRefined | None, offset_m: Tensor) -> Hint | None:
    """Return what an image that fits the map says alone, in the world."""
    if not isinstance(refined, MapRefined) or not refined.found[0]:
        return None
    image = row_of(refined.image, 0)
    return image._replace(pose=Pose(image.pose.t + offset_m, image.pose.q))


def _modes(modes: Modes, offset_m: Tensor) -> tuple[Mode, ...]:
    """Return those of modes (1, K) that have a weight above 0, in the world."""
    log_weight, pose, covariance = map_tensors(lambda part: part[0].cpu().double(), modes)
    parts = zip(log_weight.exp().tolist(), *pose, covariance, strict=True)
    return tuple(Mode(weight, Pose(t + offset_m, q), C) for weight, t, q, C in parts if weight > 0)
