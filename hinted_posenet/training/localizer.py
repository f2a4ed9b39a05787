"""Localizer: a network, its training hints, its first hint at inference, and how it learns."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import pytorch_lightning as pl
import torch
from torch import Generator, Tensor, nn

from hinted_posenet.core.types import Hint, Pose, Query, Sample
from hinted_posenet.hints.protocol import InferenceHints, TrainingHints, robust_sigma
from hinted_posenet.models.losses import PoseLoss
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.median_pose_error import MedianPoseError

AUXILIARY_WEIGHT = (
    0.3  # of each auxiliary branch of GoogLeNet, as for its classifiers (Szegedy et al., 2015)
)


class Prediction(NamedTuple):
    """What a localizer says of a batch of queries."""

    hint: Hint  # (B,) what it started from
    answers: list[Hint]  # (B,) the answer of each pass, and what is known of its error

    @property
    def poses(self) -> list[Pose]:
        """(B,) of each pass."""
        return [answer.pose for answer in self.answers]


class Localizer(pl.LightningModule):
    """Training step, cascade and validation metric around a network.

    Args:
        model: ``PoseNet`` with any head.
        train_hint: where training hints come from.
        inference_hint: where the first hint comes from at inference.
        loss: (predicted, truth, hint) -> (B,), for heads that have none of their own.
        optimizer: parameters -> optimizer.
        scheduler: (optimizer, total steps) -> per-step learning-rate schedule.
        seed: of the training hints; a step's hints depend on the seed and the step alone, so that a resumed
            run draws what the uninterrupted one would have drawn.
    """

    def __init__(
        self,
        model: PoseNet,
        train_hint: TrainingHints,
        inference_hint: InferenceHints,
        loss: PoseLoss,
        optimizer: Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer],
        scheduler: Callable[..., torch.optim.lr_scheduler.LRScheduler],
        seed: int,
    ):
        super().__init__()
        self.model = model
        self.train_hint = train_hint
        self.inference_hint = inference_hint
        self.loss = loss
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.seed = seed
        self.val_error, self.train_error = MedianPoseError(), MedianPoseError()

    def fit_scene(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Everything that is measured on the training set once.

        Args:
            truth: Poses (N,).
            feature: Pooled features (N, C, G, G).
            sequence: (N,) int64, which drive, or flight and date, each was taken on.
        """
        self.loss.fit(truth)
        for part in (self.model, self.train_hint, self.inference_hint):
            part.fit(truth, feature, sequence)

    def training_step(self, sample: Sample, batch_index: int) -> Tensor:
        """Mean loss of a batch, with hints drawn around the truth."""
        torch.manual_seed(
            hash((self.seed, self.global_step))
        )  # dropout: the step decides, as below
        features = self.model.features(sample.query)
        truth = sample.T_world_cam
        generator = Generator().manual_seed(hash((self.seed, self.global_step)))
        hint = self.train_hint.for_training(truth, features[0], generator, self._answer)
        loss = self.model.own_loss(features[0], hint, truth)
        if loss is None:
            loss = self.loss(self.model(features[0], hint), truth, hint)
        for pose in self.model.auxiliary_poses(features, hint):
            loss = loss + AUXILIARY_WEIGHT * self.loss(pose, truth, hint)
        mean: Tensor = loss.mean()
        self.log("train/loss", mean, on_step=False, on_epoch=True, batch_size=len(truth.t))
        return mean

    @torch.no_grad()
    def _answer(self, feature: Tensor, hint: Hint) -> Pose:
        """What the network says to features (B, C, G, G), for training hints made of its own answers."""
        pose: Pose = self.model(feature, hint)
        return pose

    def predict(self, query: Query) -> Prediction:
        """First hint and the answer of every pass, for queries (B,). Sees no label, by type."""
        feature = self.model.features(query)[0]
        hint = self.inference_hint.at_inference(query, feature)
        return Prediction(hint, self.model.cascade(feature, hint))

    def answer(self, query: Query) -> Hint:
        """The last pass's pose with the sigma that validation gave it, for queries (B,)."""
        pose = self.predict(query).poses[-1]
        return Hint.with_sigma(pose, self.model.step_sigma_t_m[-1], self.model.step_sigma_r_rad[-1])

    @torch.no_grad()
    def calibrate(self, validation: Sample) -> None:
        """Measure on the validation split: the head, the first hint's sigma, then each pass's in turn.

        A pass's sigma enters the next pass, so they are set one after the other. The cascade ends before the
        first pass that makes the split no better.
        """
        self.eval()
        query, truth = validation
        feature = self.model.features(query)[0]
        self.model.calibrate(feature, truth)
        self.model.set_refinement_steps(self.model.refinement_steps)
        self.inference_hint.calibrate(self.inference_hint.at_inference(query, feature), truth)
        hint = self.inference_hint.at_inference(query, feature)
        best = torch.inf
        for index in range(self.model.refinement_steps):
            pose = self.model(feature, hint)
            sigma_t_m, sigma_r_rad = robust_sigma(pose, truth)
            score = float(sigma_t_m / self.model.frame.scale_m + sigma_r_rad)
            if score >= best:
                self.model.num_effective_steps.fill_(index)
                for sigma in (self.model.step_sigma_t_m, self.model.step_sigma_r_rad):
                    sigma[index:] = sigma[index - 1]
                break
            best = score
            self.model.step_sigma_t_m[index] = sigma_t_m
            self.model.step_sigma_r_rad[index] = sigma_r_rad
            hint = Hint.with_sigma(pose, sigma_t_m, sigma_r_rad)

    def validation_step(
        self, sample: Sample, batch_index: int, dataloader_idx: int = 0
    ) -> dict[str, Tensor]:
        """Errors of the first pass on the held-out training sequence, and on training images (1); its pose (B,).

        Later passes wait for ``calibrate``; so does retrieval, whose hint has no sigma before and thus counts
        as none: while training, its network is validated without a hint.
        """
        feature = self.model.features(sample.query)[0]
        pose: Pose = self.model(feature, self.inference_hint.at_inference(sample.query, feature))
        (self.val_error, self.train_error)[dataloader_idx].update(pose, sample.T_world_cam)
        return pose._asdict()

    def on_validation_epoch_end(self) -> None:
        """Log the medians of both splits, and one number to choose the checkpoint by."""
        medians = self.val_error.compute()
        # metres over the scene's scale plus radians: either alone would give up the other
        score = medians["median_t_m"] / self.model.frame.scale_m + medians["median_r_deg"].deg2rad()
        self.log("val/score", score)
        for split, error in (("val", self.val_error), ("train", self.train_error)):
            self.log_dict({f"{split}/{name}": value for name, value in error.compute().items()})
            error.reset()

    def configure_optimizers(self) -> Any:
        """Optimizer over what is trainable, and a schedule per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
        schedule = self.scheduler(
            optimizer, total_steps=int(self.trainer.estimated_stepping_batches)
        )
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }
