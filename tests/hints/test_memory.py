import io

import pytest
import torch
from poses import INF, hints, random_poses, sequences

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose
from hinted_posenet.hints.feature_index import EXACT
from hinted_posenet.hints.retrieval_database import RetrievalDatabase

COUNT = 9000  # more than two chunks of 4096
NOWHERE = random_poses(8, seed=5)


def remembering(truth: Pose, feature: torch.Tensor) -> RetrievalDatabase:
    memory = RetrievalDatabase()
    memory.fit(truth, feature)
    return memory


def on_a_line(count: int, step_m: float = 1.0) -> Pose:
    q = torch.tensor([1.0, 0.0, 0.0, 0.0]).expand(count, 4)
    return Pose(step_m * torch.arange(count).float().view(-1, 1) * torch.tensor([1.0, 0, 0]), q)


@pytest.fixture(scope="module")
def feature() -> torch.Tensor:
    return torch.randn(COUNT, 8, 2, 2, generator=torch.Generator().manual_seed(1))


def test_finds_the_planted_images_on_both_sides_of_every_chunk(feature):
    memory = remembering(random_poses(COUNT), feature)
    planted = torch.tensor([0, 1, 4095, 4096, 4097, 8191, 8192, 8999])
    asked = 3.0 * feature[planted] + 0.05 * torch.randn(8, 8, 2, 2)  # length does not matter
    rows = memory.nearest(asked, hints(NOWHERE, INF, INF), count=3)
    assert rows.shape == (8, 3)
    assert torch.equal(rows[:, 0], planted)


def test_a_hint_chooses_among_images_that_look_alike(feature):
    truth = on_a_line(40)
    memory = remembering(truth, feature[:10].repeat(4, 1, 1, 1))  # every 10 m the same picture
    asked = feature[:8]
    for copy in range(4):
        there = Pose(truth.t[:8] + torch.tensor([10.0 * copy + 0.4, 0, 0]), truth.q[:8])
        rows = memory.nearest(asked, hints(there, 0.5, INF), count=1)[:, 0]
        assert torch.equal(rows, torch.arange(8) + 10 * copy)


def test_looks_decide_where_the_hint_is_vague_or_absent(feature):
    memory = remembering(on_a_line(40), feature[:40])
    far = Pose(torch.full((8, 3), 1e3), NOWHERE.q)
    for sigma_m in (1e4, INF):
        rows = memory.nearest(feature[:8], hints(far, sigma_m, INF), count=1)[:, 0]
        assert torch.equal(rows, torch.arange(8))


def test_images_that_look_like_an_image_come_from_other_sequences():
    base = torch.randn(5, 8, 2, 2)
    near = base.repeat(4, 1, 1, 1) + 0.05 * torch.randn(20, 8, 2, 2)  # four drives past five places
    rows = torch.arange(20)
    found = remembering(random_poses(20), near).nearest_other(rows, sequences(20, of=4), count=3)
    assert torch.equal(found.sort(dim=1).values % 5, (rows % 5).unsqueeze(1).expand(20, 3))
    assert not (found // 5 == (rows // 5).unsqueeze(1)).any()


def test_images_of_a_single_sequence_look_like_each_other_but_never_themselves(feature):
    rows = torch.arange(30)
    found = remembering(random_poses(30), feature[:30]).nearest_other(rows, sequences(30), 50)
    assert found.shape == (30, 29)
    assert not (found == rows.unsqueeze(1)).any()


def test_a_single_image_has_nothing_to_be_compared_with(feature):
    memory = remembering(random_poses(1), feature[:1])
    with pytest.raises(InputError, match="training images: at least 2"):
        memory.nearest_other(torch.zeros(1, dtype=torch.int64), sequences(1), 1)


def test_spacing_is_the_distance_to_the_next_camera(feature):
    memory = remembering(on_a_line(COUNT, step_m=0.25), feature)
    assert memory.spacing_m.item() == pytest.approx(0.25)


def by_comparing_everything(memory, asked, hint, count):
    return memory.log_likelihood(asked, hint).topk(count, dim=1).indices


@pytest.mark.parametrize("sigma_m", [2.0, INF])
def test_many_images_are_searched_by_candidates_with_nearly_the_exact_answer(sigma_m):
    draw = torch.Generator().manual_seed(3)
    places = torch.randn(300, 40, generator=draw) @ torch.randn(40, 600, generator=draw)
    looks = places.repeat_interleave(20, dim=0)
    looks = (looks + 2 * torch.randn(looks.shape, generator=draw)).view(-1, 600, 1, 1)
    truth = on_a_line(len(looks), step_m=0.1)
    memory = remembering(truth, looks)
    rows = torch.arange(7, 6000, 97)
    asked = looks[rows] + torch.randn(looks[rows].shape, generator=draw)
    hint = hints(Pose(truth.t[rows], truth.q[rows]), sigma_m, INF)
    found = memory.nearest(asked, hint, 8)
    exact = by_comparing_everything(memory, asked, hint, 8)
    recall = (found.unsqueeze(-1) == exact.unsqueeze(1)).any(dim=-1).float().mean()
    assert recall >= 0.99
    assert torch.equal(found[:, 0], exact[:, 0])
    alone = hints(Pose(truth.t[rows[:1]], truth.q[rows[:1]]), sigma_m, INF)
    one = memory.nearest(asked[:1], alone, 8)
    assert torch.equal(one[0], found[0])  # alone as in a batch


def test_up_to_five_thousand_images_are_compared_exactly(feature):
    memory = remembering(random_poses(EXACT), feature[:EXACT])
    hint = hints(NOWHERE, 1.0, INF)
    found = memory.nearest(feature[:8], hint, 8)
    assert torch.equal(found, by_comparing_everything(memory, feature[:8], hint, 8))
    assert memory._index is None


def test_one_comparison_says_what_two_do(feature):
    hint = hints(NOWHERE, 100.0, INF)
    for count in (EXACT, COUNT):
        memory = remembering(random_poses(count), feature[:count])
        rows, distance = memory.compared(feature[:8], hint, 8)
        assert torch.equal(rows, memory.nearest(feature[:8], hint, 8))
        assert torch.equal(distance, memory.distance(feature[:8]))


def test_a_copy_in_float32_follows_features_that_are_fitted_or_loaded_again(feature):
    few, others = feature[:100], feature[100:200]
    memory, other = remembering(random_poses(100), few), remembering(random_poses(100), others)
    with torch.inference_mode():
        assert memory.distance(few[:1]) < 1e-3
    memory.load_state_dict(other.state_dict())
    assert memory.distance(others[:1]) < 1e-3 < memory.distance(few[:1])
    memory.fit(random_poses(100), few)
    assert memory.distance(few[:1]) < 1e-3 < memory.distance(others[:1])
    query = few[:1].clone().requires_grad_(True)
    memory.log_likelihood(
        query, hints(Pose(NOWHERE.t[:1], NOWHERE.q[:1]), INF, INF)
    ).sum().backward()
    assert query.grad is not None  # a copy that was made in inference mode would not allow it


def test_the_index_follows_features_that_are_fitted_or_loaded_again(feature):
    nothing = hints(Pose(NOWHERE.t[:1], NOWHERE.q[:1]), INF, INF)
    memory, other = remembering(random_poses(COUNT), feature), RetrievalDatabase()
    assert memory.nearest(feature[70:71], nothing, 1) == 70
    other.fit(random_poses(COUNT), feature.flip(0))
    memory.load_state_dict(other.state_dict())
    assert memory.nearest(feature[70:71], nothing, 1) == COUNT - 71
    memory.fit(random_poses(COUNT), feature)
    assert memory.nearest(feature[70:71], nothing, 1) == 70
    assert memory.distance(feature[70:71]) < 1e-3


class Asks(torch.nn.Module):
    def __init__(self, memory):
        super().__init__()
        self.memory = memory

    def forward(self, feature):
        return self.memory.distance(feature)


def test_an_exported_graph_compares_everything(feature):
    memory = remembering(random_poses(COUNT), feature)
    torch.onnx.export(Asks(memory), (feature[:1],), io.BytesIO(), dynamo=False)
    assert memory._index is None
