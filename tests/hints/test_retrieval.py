import pytest
import torch
from poses import INF, hints, query, random_poses, sequences

from hinted_posenet.core.geometry import compose_rotvec
from hinted_posenet.core.types import Pose
from hinted_posenet.hints.retrieval import RetrievalHint

COUNT = 900


@pytest.fixture(scope="module")
def memory() -> tuple[Pose, torch.Tensor]:
    torch.manual_seed(1)
    return random_poses(COUNT), torch.randn(COUNT, 8, 2, 2)


@pytest.fixture
def source(memory) -> RetrievalHint:
    source = RetrievalHint()
    source.fit(*memory, sequences(COUNT))
    return source


def test_is_the_pose_of_the_image_that_looks_nearest_and_names_it(source, memory):
    truth, feature = memory
    rows = torch.tensor([0, 7, 300, 899])
    hint = source.at_inference(query(4), feature[rows] + 0.05 * torch.randn(4, 8, 2, 2))
    assert torch.equal(hint.pose.t, truth.t[rows])
    assert torch.equal(hint.pose.q, truth.q[rows])
    assert torch.equal(hint.neighbours, rows.unsqueeze(1))


def test_a_sensor_chooses_among_images_that_look_alike(memory):
    truth, feature = memory
    source = RetrievalHint()
    source.fit(truth, feature[:450].repeat(2, 1, 1, 1), sequences(COUNT))
    prior = hints(Pose(truth.t[450:458], truth.q[:8]), 0.1, INF)
    hint = source.at_inference(query(8, prior=prior), feature[:8])
    assert torch.equal(hint.pose.t, truth.t[450:458])


def test_remembers_its_own_copy(source, memory):
    truth, feature = memory
    before = source.at_inference(query(8), feature[:8]).pose.t.clone()
    truth.t.add_(1.0)
    after = source.at_inference(query(8), feature[:8]).pose.t
    truth.t.sub_(1.0)
    assert torch.equal(before, after)


def test_the_memory_moves_with_the_module(source):
    assert {b.device.type for b in source.to("meta").buffers()} == {"meta"}


def test_survives_a_cast_to_double(source, memory):
    truth, feature = memory
    hint = source.double().at_inference(query(8), feature[:8])
    torch.testing.assert_close(hint.pose.t.float(), truth.t[:8])


def test_sigma_is_unknown_until_calibrated(source, memory):
    hint = source.at_inference(query(2), memory[1][:2])
    assert hint.sigma_t_m.isinf().all()
    assert hint.sigma_r_rad.isinf().all()


@pytest.mark.parametrize("outliers", [0.0, 0.1])
def test_calibration_finds_the_noise_in_spite_of_gross_errors(source, memory, outliers):
    truth, _ = memory
    noisy = Pose(
        truth.t + 0.2 * torch.randn(COUNT, 3), compose_rotvec(truth.q, 0.03 * torch.randn(COUNT, 3))
    )
    wrong = (torch.arange(COUNT) < outliers * COUNT).unsqueeze(-1)
    elsewhere = random_poses(COUNT, seed=9, half_extent_m=1000.0)
    mixed = Pose(*(torch.where(wrong, a, b) for a, b in zip(elsewhere, noisy, strict=True)))
    source.calibrate(hints(mixed, 1.0, 1.0), truth)
    hint = source.at_inference(query(1), memory[1][:1])
    # a tenth of gross errors shifts the median by a few percent, and no more
    assert hint.sigma_t_m.item() == pytest.approx(0.2, rel=0.03 + outliers)
    assert hint.sigma_r_rad.item() == pytest.approx(0.03, rel=0.03 + outliers)
