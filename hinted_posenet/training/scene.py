"""A scene to train on: its views, its images, its features."""

import logging
from collections.abc import Callable, Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.offset import world_offset
from hinted_posenet.core.types import Pose, Sample, View, stack_poses
from hinted_posenet.data.augment import Augment
from hinted_posenet.data.cache.decoded_images import DecodedImages
from hinted_posenet.data.cache.image_cache import ImageCache
from hinted_posenet.data.dataset_card import counts_note, dataset_card_names, read_dataset_card
from hinted_posenet.data.formats.aerial import read_manifest, read_overview
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.formats.layout import ReadViews
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.read_scene import stop_or_skip, without
from hinted_posenet.data.splits import Splits, split_scenes
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.models.landmarks.landmarks import LandmarkLocalizer
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.features import compute_features
from hinted_posenet.training.local_features import SplitFeatures, compute_local_features
from hinted_posenet.training.masks import Masks
from hinted_posenet.training.scene_priors import scene_priors
from hinted_posenet.training.settings import DataSettings, TrainSettings

if TYPE_CHECKING:  # it takes seconds to import, and few scenes need it
    from hinted_posenet.data.live_views import AerialLive, LiveImages

AT_ONCE = 64  # images that are read

log = logging.getLogger(__name__)


class Scene:
    """Views of every split and how to turn them into samples.

    Args:
        data: which images of which scene, and at what size.
        read_views: reader of the data set.
        cache: folder of decoded images and of features.
        settings: size of the cache of images, images at a time through the backbone, and processes for both.
        live: makes the source of rendered views; training views then are rendered, the others only without files.
        prior_splits: splits whose priors the inference hint reads; one that has none is refused.
        offset_m: (3,) float64, that of a checkpoint's network; None chooses that of the training cameras.
    """

    def __init__(
        self,
        data: DataSettings,
        read_views: ReadViews,
        cache: Path,
        settings: TrainSettings,
        live: "Callable[[], AerialLive] | None" = None,
        prior_splits: Collection[str] = (),
        offset_m: torch.Tensor | None = None,
    ):
        self.data = data
        # what a checkpoint must agree with
        self.identity = {"name": data.name, "scene": data.scene, "ground_truth": data.ground_truth}
        self.cache = cache
        self.settings = settings
        self.map = read_overview(self._manifest.parent)
        self.origin = scene_origin(self._manifest.parent)
        self.is_live = live is not None
        self._make_live = live
        self._rendered: dict[str, PosedImages] = {}
        if self.is_live and not self._manifest.is_file():
            log.warning("%s: missing; validation and test are rendered too", self._manifest)
            size = (data.height, data.width)
            self._rendered = {
                split: self._live.images(split, *size) for split in ("train", "val", "test")
            }
        if self.is_live and data.crop:
            raise InputError("data.crop: not for live views; render smaller images: camera.width")
        if self._rendered:
            rendered = {split: images.views for split, images in self._rendered.items()}
            splits = Splits(rendered, {}, {})
        else:
            how = (data.validation, data.exclude, data.skip_faulty)
            splits = split_scenes(read_views, data.root, data.scene, *how)
        self.views: dict[str, list[View]] = splits.views
        self.offset_m = world_offset(self.poses("train").t) if offset_m is None else offset_m
        for images in self._rendered.values():
            images.offset_m = self.offset_m
        self.excluded: dict[str, str] = splits.excluded  # frame -> why
        self.priors = scene_priors(self.views, prior_splits, data.name) if prior_splits else None
        self.card_notes = self._compare_with_card(splits.counts)
        self._decoded: DecodedImages | None = None if self._rendered else self._decode()

    def images(self, split: str, whole: bool = False) -> PosedImages:
        """Return the images of a split; whole ones are not cropped to ``data.crop``."""
        if split in self._rendered:
            return self._rendered[split]
        crop = None if whole else self.data.crop
        height, width = self.data.height, self.data.width
        return PosedImages(self.views[split], height, width, self._decoded, crop, self.offset_m)

    def poses(self, split: str) -> Pose:
        """Return the true T_world_cam (N,) of a split in the world, float64."""
        return stack_poses(view.T_world_cam for view in self.views[split])

    def sequences(self) -> torch.Tensor:
        """Return the number (N,) int64 of the drive, or flight and date, of each training image."""
        keys = [(view.scene, view.sequence, view.tags.get("date")) for view in self.views["train"]]
        number = {key: index for index, key in enumerate(dict.fromkeys(keys))}
        return torch.tensor([number[key] for key in keys])

    def dates(self) -> torch.Tensor:
        """Return the number (N,) int64 of the date of each training image, or of its sequence if all share one."""
        dates = [view.tags.get("date", "") for view in self.views["train"]]
        names = list(dict.fromkeys(dates))
        if len(names) == 1:
            return self.sequences()
        return torch.tensor([names.index(date) for date in dates])

    def live_images(self, split: str, seed: int | None = None) -> "LiveImages":
        """Return rendered views of a split: the fixed ones, or with a training's seed new ones every epoch."""
        images = self._live.images(split, self.data.height, self.data.width, seed)
        images.offset_m = self.offset_m
        return images

    def features(
        self,
        model: PoseNet,
        split: str,
        device: torch.device,
        augment: Augment | None = None,
        augmented_views: int = 0,
        seed: int = 0,
    ) -> Sample:
        """Return the features of a split, see `compute_features`; only a frozen backbone's are cached."""
        return compute_features(
            model,
            self.images(split, whole=True),
            title=f"features of {self.data.scene} {split}",
            batch_size=self.settings.feature_batch_size,
            workers=self.settings.workers,
            device=device,
            crop=self.data.crop,
            augment=augment,
            augmented_views=augmented_views,
            seed=seed,
            cache=self.cache if is_frozen(model) and not self._rendered else None,
        )

    def samples(self, localizer: LocalizerModule, split: str, device: torch.device) -> Sample:
        """Return a split as a localizer is asked for it.

        It has features; local ones too for landmarks, and images as uint8 for the registration to a map.
        """
        sample = self.features(localizer.model, split, device)
        if localizer.refinement is None:
            return sample
        if isinstance(localizer.refinement, MapRefinement):
            if not localizer.refinement.registration.own_date:
                localizer.refinement.left_out |= self.photo_names(split)
            return sample._replace(query=sample.query._replace(image=self.pixels(split)))
        landmarks = localizer.refinement.landmarks
        local = self.local_features(landmarks, split).best(landmarks.query_keypoints)
        return sample._replace(query=sample.query._replace(local=local))

    def pixels(self, split: str) -> torch.Tensor:
        """Return the images (N, 3, H, W) of a split as uint8."""
        images = self.images(split)
        title = f"images of {self.data.scene} {split}"
        found = []
        for start in tqdm(range(0, len(images), AT_ONCE), title, leave=False):
            batch = images.__getitems__(list(range(start, min(start + AT_ONCE, len(images)))))
            found.append((batch.query.image * 255).round().to(torch.uint8))
        return torch.cat(found)

    def photo_names(self, split: str) -> dict[str, str]:
        """Return, for each image of a split by its name, the photo of a map that it belongs to.

        It is named by the date, or by the sequence if all training images are of one date.
        """
        train = self.views["train"]
        by_sequence = len({view.tags.get("date", "") for view in train}) == 1
        several = len({view.scene for view in train}) > 1
        return {
            view.name: (f"{view.scene} {view.sequence}" if several else view.sequence)
            if by_sequence
            else view.tags.get("date", "")
            for view in self.views[split]
        }

    def local_features(self, landmarks: LandmarkLocalizer, split: str) -> SplitFeatures:
        """Return the local features of a split's images; only training images are masked."""
        masks = None
        if landmarks.masks and split == "train":
            masks = Masks(Path(landmarks.masks))
            masks.check(self.views[split])
        return compute_local_features(
            landmarks.features,
            self.images(split, whole=True),
            f"local features of {self.data.scene} {split}",
            None if self._rendered else self.cache,
            masks,
        )

    def _decode(self) -> DecodedImages:
        """Decode every image that is not in the cache; a broken one stops the run, or is left out."""
        settings = self.settings
        cache = ImageCache(self.cache / "images", settings.image_cache_gb, settings.threads)
        views = [view for views in self.views.values() for view in views]
        name = self.data.scene
        decoded, faults = cache.fill(views, self.data.height, self.data.width, name)
        broken = stop_or_skip(name, faults, self.data.skip_faulty)
        self.excluded |= broken
        self.views = without(self.views, broken)
        return decoded

    def _compare_with_card(self, counts: dict[str, dict[str, int]]) -> list[str]:
        """Return how frame counts differ from the published ones, a line per scene."""
        if self.data.name not in dataset_card_names():
            return []
        card = read_dataset_card(self.data.name)
        notes = [note for item in counts.items() if (note := counts_note(card, *item))]
        for note in notes:
            log.warning(note)
        return notes

    @cached_property
    def _live(self) -> "AerialLive":
        assert self._make_live is not None, "a scene of files has no live views"
        live = self._make_live()
        if self._manifest.is_file():
            live.check_same(read_manifest(self._manifest))
        return live

    @property
    def _manifest(self) -> Path:
        """Manifest of an aerial scene."""
        return self.data.root / self.data.scene / "manifest.json"


def is_frozen(model: PoseNet) -> bool:
    """Return whether no parameter of the backbone is trained."""
    return not any(parameter.requires_grad for parameter in model.backbone.parameters())
