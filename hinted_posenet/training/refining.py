"""What refines a localizer's answers, fitted to a training set: landmarks, or a map from above."""

import logging
from pathlib import Path

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Query, Sample
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.inference.refinement import LandmarkRefinement
from hinted_posenet.models.registration.map_ground import Frame
from hinted_posenet.models.registration.mosaic import Footage
from hinted_posenet.training.local_features import SplitFeatures
from hinted_posenet.training.registration import train_on_place
from hinted_posenet.training.scene import Scene

log = logging.getLogger(__name__)

FOLDERS = ("landmarks", "registration")  # in a run's: what an interrupted training has done


def prepare_refinement(
    localizer: LocalizerModule, scene: Scene, device: torch.device
) -> SplitFeatures | None:
    """Find out before hours of training whether images, masks or the files of a map are broken.

    Returns:
        Local features of the training images, for landmarks.
    """
    refinement = localizer.refinement
    if isinstance(refinement, LandmarkRefinement):
        return scene.local_features(refinement.to(device).landmarks, "train")
    if refinement:
        refinement.registration.open(Frame(scene.origin, scene.offset_m))
    return None


def fit_refinement(
    localizer: LocalizerModule,
    scene: Scene,
    train: Sample,
    local: SplitFeatures | None,
    folder: Path,
) -> None:
    """Fit landmarks or a map to stacked training images (N,); an interrupted fit goes on from a run's folder."""
    refinement = localizer.refinement
    if isinstance(refinement, MapRefinement):
        _fit_map(refinement, scene, train, folder)
    elif refinement and local is not None:
        labels = train.T_world_cam, train.query.feature
        refinement.fit(*labels, local, scene.sequences(), folder / "landmarks")
        _check_landmarks(localizer, refinement)


def _fit_map(refinement: MapRefinement, scene: Scene, train: Sample, folder: Path) -> None:
    registration, images = refinement.registration, scene.images("train")
    named = scene.photo_names("train")
    names = list(dict.fromkeys(named.values()))
    own = [named[view.name] for view in images.views]
    above_m = [view.altitude_m for view in images.views]
    truth, K = (part.cpu() for part in (train.T_world_cam.t, train.query.K))
    pose = train.T_world_cam._replace(t=truth, q=train.T_world_cam.q.cpu())
    size = images[0].query.image.shape[-2:]
    footage = Footage(
        images.__getitems__,
        pose,
        K,
        (size[0], size[1]),
        torch.tensor([names.index(name) for name in own]),
        names,
    )
    stated = [height for height in above_m if height is not None]
    registration.fit(footage, torch.tensor(stated) if len(stated) == len(above_m) else None)
    focal_px = float(K[:, 0, 0].float().quantile(0.5))
    numbers = [registration.photo_of(name) for name in own]
    photo = torch.tensor([-1 if number is None else number for number in numbers])
    train_on_place(registration, images, photo, focal_px, scene.settings.seed, folder)

    def read(row: int) -> Query:
        return images.__getitems__([row]).query

    refinement.fit(read, pose, photo)


def _check_landmarks(localizer: LocalizerModule, refinement: LandmarkRefinement) -> None:
    """Refuse a map without landmarks; a network that was trained is kept all the same, with a warning."""
    if len(refinement.landmarks.map.point_m):
        return
    message = (
        "landmarks: none could be triangulated; cameras have to move, and images need texture and the right "
        "poses and K, which `hinted-posenet data check` tests"
    )
    if not is_trained(localizer):
        raise InputError(message)
    log.warning("%s; answers are those of the network", message)


def is_trained(localizer: LocalizerModule) -> bool:
    """Return whether a localizer has weights that the training loop trains; landmarks and maps alone have none."""
    return any(parameter.requires_grad for parameter in localizer.parameters())
