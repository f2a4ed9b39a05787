import torch
from poses import INF, PLACE, hints, query, random_poses, sequences
from tiny import TINY, config

from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint, save_checkpoint
from hinted_posenet.models.encoding import Quaternion, SceneFrame
from hinted_posenet.models.heads.hinted_fusion import HintedFusionHead


def trained(frame: SceneFrame, feature, truth: Pose, steps: int = 300) -> HintedFusionHead:
    torch.manual_seed(0)
    head = HintedFusionHead(4, 1, Quaternion(), 32, 0.0, 8, 0.05)
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        head.loss(feature, hints(truth, INF, INF), frame, truth).mean().backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)  # as trainings do
        optimizer.step()
    return head.eval()


def test_an_ambiguous_image_is_answered_with_one_of_its_places_and_a_hint_says_which(frame):
    """All images look alike, and half of them are 10 m away from the others."""
    count = 200
    x = torch.where(torch.arange(count) % 2 == 0, -5.0, 5.0)
    t = torch.stack([x, torch.zeros(count), torch.zeros(count)], dim=1) + 0.1 * torch.randn(
        count, 3
    )
    truth = Pose(t, random_poses(1).q.expand(count, 4))
    feature = torch.ones(count, 4, 1, 1)
    head = trained(frame, feature, truth)
    with torch.no_grad():
        alone = head(feature, frame.resolve(hints(truth, INF, INF)), frame)
        noisy = truth._replace(t=truth.t + 2.0 * torch.randn(count, 3))
        hinted = head(feature, hints(noisy, 2.0, INF), frame)
    assert (alone.t[:, 0].abs() - 5.0).abs().max() < 0.5
    error_m = (hinted.t - truth.t).norm(dim=-1)
    assert error_m.quantile(0.9) < 1.0  # from a hint that is 3 m off


def test_calibration_stretches_sigmas_to_the_errors_of_new_images(frame):
    truth = random_poses(100)
    feature = torch.randn(100, 4, 1, 1)
    head = trained(frame, feature, truth, steps=50)
    mixture = head.mixture(feature, frame)
    sharp = head(feature, hints(truth, INF, INF), frame)
    off = mixture.sigma_t_m[:, :-1].median() * 6.0 * torch.randn(100, 3)
    with torch.no_grad():
        head.calibrate(feature, frame, Pose(sharp.t + off, sharp.q))
    assert head.stretch_t > 2.0
    assert head.stretch_r <= 1.0


def test_the_stretch_is_in_the_checkpoint(tmp_path):
    plain = config("train", "data=seven_scenes", *TINY, "method=hinted_fusion", "pool=global")
    localizer = build_localizer(plain).eval()
    localizer.fit(random_poses(30), torch.randn(30, 112, 1, 1), sequences(30))
    asked = query(6, torch.randn(6, 112, 1, 1))
    localizer.calibrate(Sample(asked, random_poses(6)))
    assert localizer.model.head.stretch_t != 1.0
    save_checkpoint(tmp_path / "localizer.ckpt", localizer, plain, "key", PLACE)
    loaded = load_localizer(read_checkpoint(tmp_path))
    with torch.no_grad():
        assert torch.equal(loaded.predict(asked).poses[0].t, localizer.predict(asked).poses[0].t)
