"""The Lightning module: how a localizer learns from hints drawn around the truth, and how it is validated."""

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import pytorch_lightning as pl
import torch
from torch import Generator, Tensor, nn
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from hinted_posenet.core.precision import in_float32
from hinted_posenet.core.types import Hint, Pose, Sample
from hinted_posenet.evaluation.metrics import pose_errors, quantile
from hinted_posenet.hints.protocol import TrainingHints
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.losses import PoseLoss
from hinted_posenet.training.data_module import batch_seed

TrainingSet: TypeAlias = tuple[Pose, Tensor, Tensor]
# of each auxiliary branch of GoogLeNet, as for its classifiers (Szegedy et al., 2015)
AUXILIARY_WEIGHT = 0.3
FEW_STEPS = 200
log = logging.getLogger(__name__)


class MedianPoseError(Metric):
    """Median position (m) and rotation (deg) error over all batches of a split, on any device."""

    error_t_m: list[Tensor]
    error_r_deg: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("error_t_m", default=[], dist_reduce_fx="cat")
        self.add_state("error_r_deg", default=[], dist_reduce_fx="cat")

    def update(self, predicted: Pose, truth: Pose) -> None:
        """Add poses (B,)."""
        error_t_m, error_r_deg = pose_errors(predicted, truth)
        self.error_t_m.append(error_t_m)
        self.error_r_deg.append(error_r_deg)

    def compute(self) -> dict[str, Tensor]:
        """Return ``median_t_m`` and ``median_r_deg``."""
        return {
            "median_t_m": torch.tensor(quantile(dim_zero_cat(self.error_t_m), 0.5)),
            "median_r_deg": torch.tensor(quantile(dim_zero_cat(self.error_r_deg), 0.5)),
        }


class LightningLocalizer(pl.LightningModule):
    """Training step, validation metrics and optimizer around a localizer.

    Args:
        localizer: what is trained.
        train_hint: where training hints come from.
        loss: (predicted, truth, hint) -> (B,), for heads that have none of their own.
        optimizer: parameters -> optimizer.
        scheduler: optimizer -> per-step learning-rate schedule; it gets ``total_steps`` if it takes them.
        seed: of training hints and dropout, see `batch_seed`.
    """

    def __init__(
        self,
        localizer: LocalizerModule,
        train_hint: TrainingHints,
        loss: PoseLoss,
        optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler],
        seed: int,
    ):
        super().__init__()
        self.localizer = localizer
        self.train_hint = train_hint
        self.loss = loss
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.seed = seed
        model = localizer.model
        if model.head.has_own_loss and not model.auxiliary_heads:
            loss.requires_grad_(False)  # several devices wait for a gradient of every parameter
        self.val_error, self.train_error = MedianPoseError(), MedianPoseError()
        # poses (N,), features (N, C, G, G) and sequences (N,) of the training images, by the current backbone;
        # None for a frozen one, whose features hold
        self.training_set: Callable[[], TrainingSet] | None = None
        self._measured_with: list[
            Tensor
        ] = []  # the backbone's state when `fit_scene` was called last

    def fit_scene(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the training set, see `LocalizerModule.fit`: loss, localizer and training hints."""
        truth = Pose(*(part.to(self.localizer.device) for part in truth))
        feature, sequence = feature.to(truth.t.device), sequence.to(truth.t.device)
        self.loss.fit(truth)
        self.localizer.fit(truth, feature, sequence)
        self.train_hint.fit(truth, feature, sequence)
        self._measured_with = [value.clone() for value in self._backbone_state()]

    @property
    def remembers_features(self) -> bool:
        """Whether the head, or a source of hints, compares images with the features of training images."""
        parts = self.localizer.model.head, self.localizer.inference_hint, self.train_hint
        return any(part.remembers_features for part in parts)

    def refit_scene(self) -> None:
        """Measure the training set again if the backbone has changed: features of two must not be compared."""
        if self.training_set is None or not self.remembers_features:
            return
        pairs = zip(self._backbone_state(), self._measured_with, strict=True)
        if all(torch.equal(now, then.to(now.device)) for now, then in pairs):
            return
        modes = [(module, module.training) for module in self.modules()]
        # not in inference mode, in which Lightning validates: the next epoch trains with what is measured
        with torch.inference_mode(False), torch.no_grad():
            self.fit_scene(*self.training_set())
        for module, mode in modes:
            module.training = mode

    def _backbone_state(self) -> list[Tensor]:
        return list(self.localizer.model.backbone.state_dict().values())

    def on_train_epoch_start(self) -> None:
        """Bring what is remembered up to date: after a validation of averaged weights, or of a resumed run."""
        self.refit_scene()

    def on_validation_epoch_start(self) -> None:
        """Bring what is remembered up to date with the weights that are validated, and perhaps kept."""
        self.refit_scene()

    def training_step(self, sample: Sample, batch_index: int) -> Tensor:
        """Return the mean loss of a batch, with hints drawn around the truth."""
        model, truth = self.localizer.model, sample.T_world_cam
        seed = batch_seed(self.seed, self.current_epoch, batch_index, self.global_rank)
        torch.manual_seed(seed)  # of dropout
        features = model.features(sample.query)
        mean = self._mean_loss(features, truth, Generator().manual_seed(seed))
        self.log(
            "train/loss",
            mean,
            on_step=False,
            on_epoch=True,
            batch_size=len(truth.t),
            sync_dist=True,
        )
        return mean

    @in_float32
    def _mean_loss(self, features: tuple[Tensor, ...], truth: Pose, generator: Generator) -> Tensor:
        """Return the loss () of features (B, C, G, G) with hints drawn around true poses (B,)."""
        model = self.localizer.model
        hint = self.train_hint.for_training(truth, features[0], generator, self._answer)
        loss = model.own_loss(features[0], hint, truth)
        if loss is None:
            loss = self.loss(model(features[0], hint), truth, hint)
        for pose in model.auxiliary_poses(features, hint):
            loss = loss + AUXILIARY_WEIGHT * self.loss(pose, truth, hint)
        mean: Tensor = loss.mean()
        return mean

    @torch.no_grad()
    def _answer(self, feature: Tensor, hint: Hint) -> Pose:
        """Predict from features (B, C, G, G), for training hints made of the network's own answers."""
        pose: Pose = self.localizer.model(feature, hint)
        return pose

    def validation_step(
        self, sample: Sample, batch_index: int, dataloader_idx: int = 0
    ) -> dict[str, Tensor]:
        """Measure the first refinement step on validation (0) and training images (1); return poses (B,).

        Later steps wait for ``LocalizerModule.calibrate``; so does retrieval, whose hint has no sigma before and
        thus counts as none: during training, its network is validated without a hint.
        """
        localizer = self.localizer
        pose = self._validated(sample, localizer.model.features(sample.query)[0])
        (self.val_error, self.train_error)[dataloader_idx].update(pose, sample.T_world_cam)
        return pose._asdict()

    @in_float32
    def _validated(self, sample: Sample, feature: Tensor) -> Pose:
        """Predict the poses (B,) of features (B, C, G, G) in one step."""
        hint = self.localizer.inference_hint.at_inference(sample.query, feature)
        pose: Pose = self.localizer.model(feature, hint)
        return pose

    def on_validation_epoch_end(self) -> None:
        """Log the medians of both splits, and the score that chooses the checkpoint."""
        medians = self.val_error.compute()
        # metres over the scene's scale plus radians: either alone would neglect the other
        score_t = medians["median_t_m"] / self.localizer.model.frame.scale_m
        self.log("val/score", score_t + medians["median_r_deg"].deg2rad())
        for split, error in (("val", self.val_error), ("train", self.train_error)):
            self.log_dict({f"{split}/{name}": value for name, value in error.compute().items()})
            error.reset()

    def configure_optimizers(self) -> Any:
        """Return the optimizer over all trainable parameters, and a schedule per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
        steps = int(self.trainer.estimated_stepping_batches)
        if steps < FEW_STEPS and self.trainer.is_global_zero:
            log.warning(
                "this training has %d steps only, where some hundred are needed; give more trainer.max_epochs, or "
                "a smaller batch_size",
                steps,
            )
        known = inspect.signature(self.scheduler).parameters
        total = {"total_steps": steps} if "total_steps" in known else {}
        schedule = self.scheduler(optimizer, **total)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
