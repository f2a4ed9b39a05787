import pytest
import torch
from poses import generator, no_answer, random_poses, sequences

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.hints.retrieval import LeaveOneOutHints

PLACES, DRIVES = 60, 4
COUNT = PLACES * DRIVES


@pytest.fixture(scope="module")
def drives() -> tuple[Pose, torch.Tensor, torch.Tensor]:
    """Four drives past the same places, 1 m beside each other; a place looks alike on all of them."""
    torch.manual_seed(0)
    place = random_poses(PLACES, half_extent_m=100.0)
    t = place.t.repeat(DRIVES, 1) + torch.randn(COUNT, 3)
    looks = torch.randn(PLACES, 8, 2, 2).repeat(DRIVES, 1, 1, 1) + 0.1 * torch.randn(COUNT, 8, 2, 2)
    return Pose(t, place.q.repeat(DRIVES, 1)), looks, sequences(COUNT, of=DRIVES)


def fitted(drives, **changes) -> LeaveOneOutHints:
    source = LeaveOneOutHints(**{"neighbours": 2, "candidates": 3, "p_own": 0.0, **changes})
    source.fit(*drives)
    return source


def test_hint_and_neighbours_show_the_place_on_another_drive(drives):
    truth, feature, sequence = drives
    hint = fitted(drives).for_training(truth, feature, generator(), no_answer)
    rows = torch.arange(COUNT)
    assert hint.neighbours.shape == (COUNT, 2)
    assert torch.equal(hint.neighbours % PLACES, (rows % PLACES).unsqueeze(1).expand(COUNT, 2))
    assert not (sequence[hint.neighbours] == sequence.unsqueeze(1)).any()
    assert (hint.neighbours[:, 0] != hint.neighbours[:, 1]).all()
    off_m = (hint.pose.t - truth.t).norm(dim=-1)
    assert off_m.min() > 0
    assert off_m.max() < 10


def test_sigma_is_the_error_that_such_hints_have(drives):
    truth, feature, _ = drives
    hint = fitted(drives).for_training(truth, feature, generator(), no_answer)
    # two cameras are each 1 m per axis off their place
    assert hint.sigma_t_m.unique().item() == pytest.approx(2**0.5, rel=0.2)


def test_an_augmented_version_is_known_by_its_camera_center(drives):
    truth, feature, _ = drives
    source = fitted(drives)
    turned = Pose(truth.t, random_poses(COUNT, seed=8).q)
    plain = source.for_training(truth, feature, generator(), no_answer)
    version = source.for_training(turned, torch.zeros_like(feature), generator(), no_answer)
    assert torch.equal(plain.pose.t, version.pose.t)
    assert torch.equal(plain.neighbours, version.neighbours)


def test_the_own_sequence_counts_as_often_as_said_but_never_the_image_itself():
    torch.manual_seed(0)
    truth, sequence = random_poses(400), sequences(400, of=2)
    looks = sequence.view(-1, 1, 1, 1) + 0.1 * torch.randn(
        400, 8, 2, 2
    )  # own sequence looks nearest
    source = fitted((truth, looks, sequence), p_own=0.3)
    hint = source.for_training(truth, looks, generator(), no_answer)
    own = (sequence[hint.neighbours] == sequence.unsqueeze(1)).float()
    assert own.mean().item() == pytest.approx(0.3, abs=0.07)
    assert not (hint.neighbours == torch.arange(400).unsqueeze(1)).any()


def test_fewer_images_than_candidates_are_all_there_are():
    truth = random_poses(3)
    source = fitted((truth, torch.randn(3, 8, 2, 2), sequences(3)), candidates=24, neighbours=4)
    hint = source.for_training(truth, torch.randn(3, 8, 2, 2), generator(), no_answer)
    assert hint.neighbours.sort(dim=1).values.tolist() == [[1, 2], [0, 2], [0, 1]]


def test_more_neighbours_than_candidates_are_refused():
    with pytest.raises(InputError, match=r"train_hint\.neighbours"):
        LeaveOneOutHints(neighbours=5, candidates=4, p_own=0.5)
