"""What training draws for every batch, epoch and device, and what a hinted network learns from it."""

from functools import partial

import pytest
import pytorch_lightning as pl
import torch
from poses import generator, query, random_poses, sequences
from tiny import small_localizer, trainable

from hinted_posenet.core.types import Hint, Sample
from hinted_posenet.data.posed_images import StackedSamples, stack
from hinted_posenet.hints.gaussian import GaussianHints
from hinted_posenet.hints.prior import OracleHint
from hinted_posenet.hints.protocol import TrainingHints
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.data_module import PosedImagesModule, batch_seed

ROWS = 8
QUIET = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
QUIET |= {"enable_progress_bar": False, "enable_model_summary": False}


class RecordedHints(GaussianHints):
    """Keeps what was drawn, in units of sigma."""

    def __init__(self) -> None:
        super().__init__(0.01, 1.0, 0.5, 45.0, 0.0, 0.0)
        self.drawn: list[torch.Tensor] = []

    def for_training(self, truth, feature, generator, answer) -> Hint:
        hint = super().for_training(truth, feature, generator, answer)
        self.drawn.append((hint.pose.t - truth.t) / hint.sigma_t_m.unsqueeze(-1))
        return hint


@pytest.fixture
def data() -> PosedImagesModule:
    """Eight times the same image."""
    truth = random_poses(1)
    alike = Sample(query(1), truth)
    rows = [alike._replace(query=alike.query._replace(name=[str(row)])) for row in range(ROWS)]
    whole = StackedSamples(stack(rows))
    return PosedImagesModule(whole, whole, batch_size=2, workers=0, seed=0, train_check=whole)


def noise_of(data: PosedImagesModule, seed: int = 0, **options) -> list[torch.Tensor]:
    """What two epochs draw for the hints of each batch."""
    source = RecordedHints()
    module = trainable(small_localizer("residual"), source, seed)
    truth = random_poses(ROWS)
    module.fit_scene(truth, torch.randn(ROWS, 8, 2, 2), sequences(ROWS))
    pl.Trainer(max_epochs=2, **QUIET, **options).fit(module, data)
    return source.drawn


def all_different(drawn: list[torch.Tensor]) -> bool:
    return len({tuple(part.flatten().tolist()) for part in drawn}) == len(drawn)


def test_batches_of_one_accumulated_step_draw_different_hints(data):
    drawn = noise_of(data, accumulate_grad_batches=4)
    assert len(drawn) == 8
    assert all_different(drawn)


def test_a_training_of_a_few_steps_is_named(data, caplog):
    noise_of(data)
    assert "this training has 8 steps only" in caplog.text


def test_the_seed_decides_what_is_drawn_and_nothing_else(data):
    first = noise_of(data)
    torch.randn(7)  # the global random numbers have moved on
    again, other = noise_of(data), noise_of(data, seed=1)
    assert all(map(torch.equal, first, again))
    assert all_different([*first, *other])


def test_devices_epochs_and_batches_have_seeds_of_their_own():
    seeds = {
        batch_seed(seed, epoch, batch, rank)
        for seed in range(3)
        for epoch in range(3)
        for batch in range(3)
        for rank in range(3)
    }
    assert len(seeds) == 81


def images_of(count: int, seed: int) -> Sample:
    """Queries whose features are a noisy function of the position."""
    truth = random_poses(count, seed)
    project = torch.randn(3, 32, generator=generator(7))
    noise = 0.4 * torch.randn(count, 32, generator=generator(seed + 9))
    return Sample(query(count, (truth.t / 10 @ project + noise).view(count, 8, 2, 2)), truth)


def learned(train: Sample, source: TrainingHints, localizer: LocalizerModule) -> LocalizerModule:
    module = trainable(localizer, source)
    module.optimizer = partial(torch.optim.Adam, lr=5e-3)
    rows = len(train.T_world_cam.t)
    module.fit_scene(train.T_world_cam, train.query.feature, sequences(rows))
    stacked = StackedSamples(train)
    data = PosedImagesModule(stacked, stacked, batch_size=64, workers=0, seed=0)
    pl.Trainer(max_epochs=5, limit_val_batches=0, **QUIET).fit(module, data)
    return localizer.eval()


def test_a_hinted_network_beats_its_hint_and_the_null_hint():
    train, test = images_of(1500, seed=0), images_of(500, seed=1)
    sensor = OracleHint(3.0, 20.0, seed=0)
    drawn = GaussianHints(0.01, 1.0, 1.0, 45.0, 0.3, 0.0)
    hinted = learned(train, drawn, small_localizer("residual", sensor))
    null = learned(train, NoHint(), small_localizer("residual"))

    def error_m(pose):
        return (pose.t - test.T_world_cam.t).norm(dim=-1).median()

    with torch.no_grad():
        prediction = hinted.predict(sensor.query_of(test))
        alone = null.predict(test.query).poses[-1]
    assert error_m(prediction.poses[-1]) < 0.9 * error_m(prediction.hint.pose)
    assert error_m(prediction.poses[-1]) < 0.9 * error_m(alone)


@pytest.mark.parametrize(
    "scheduler",
    [
        partial(torch.optim.lr_scheduler.StepLR, step_size=2),
        partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=0.1),
        partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=4),
    ],
)
def test_a_schedule_gets_the_number_of_steps_if_it_takes_it(data, scheduler):
    module = trainable(small_localizer("plain"), NoHint())
    module.scheduler = scheduler
    truth = random_poses(ROWS)
    module.fit_scene(truth, torch.randn(ROWS, 8, 2, 2), sequences(ROWS))
    pl.Trainer(max_epochs=1, **QUIET).fit(module, data)
    assert module.lr_schedulers().last_epoch == 4


def test_a_loss_that_a_head_does_not_use_is_not_trained():
    """Several devices would wait for its gradients for ever."""
    head = partial(HintedMemoryHead, rotation=Quaternion(), width=8, hidden=16, neighbours=2)
    plain = small_localizer("plain")
    own = LocalizerModule(PoseNet(plain.model.backbone, plain.model.pool, head), NoHint())
    assert all(weight.requires_grad for weight in trainable(plain, NoHint()).loss.parameters())
    module = trainable(own, NoHint())
    assert not any(weight.requires_grad for weight in module.loss.parameters())
    truth = random_poses(ROWS)
    feature = torch.randn(ROWS, 8, 2, 2)
    module.fit_scene(truth, feature, sequences(ROWS, of=2))
    module.localizer.model.backbone.requires_grad_(False)
    module.training_step(Sample(query(ROWS, feature), truth), 0).backward()
    for name, weight in module.named_parameters():
        assert not weight.requires_grad or weight.grad is not None, name
