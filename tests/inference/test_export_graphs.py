"""The exported graphs, still in torch, answer what `locate` does; with and without a hint, and in batches."""

from pathlib import Path

import pytest
import torch
from tiny import small_checkpoint

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.inference.checkpoint import read_checkpoint
from hinted_posenet.inference.export_algebra import OnnxOperators
from hinted_posenet.inference.export_graphs import HINT, AnswerGraph, FeatureGraph, exportable
from hinted_posenet.inference.export_parity import sample_hints, sample_images
from hinted_posenet.inference.locate import Localizer, load
from hinted_posenet.inference.refinement import LandmarkRefinement

METHODS = ["posenet", "hinted_embedding", "hinted_residual", "hinted_fusion", "hinted_memory"]
NO_HINT = torch.diag(torch.full((6,), torch.inf, dtype=torch.float64))
GPS = torch.diag(torch.tensor([4.0, 4.0, 9.0, *[torch.inf] * 3], dtype=torch.float64))


def graphs(folder: Path, *overrides: str) -> tuple[Localizer, FeatureGraph, AnswerGraph]:
    checkpoint = read_checkpoint(small_checkpoint(folder, *overrides))
    localizer = load(folder, "cpu")
    network = exportable(localizer.network)
    answers = AnswerGraph(network, checkpoint.place.offset_m, localizer.takes_hints)
    return localizer, FeatureGraph(network.model), answers


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_a_batch_are_answered_as_by_locate(tmp_path: Path, method: str) -> None:
    localizer, to_feature, to_answer = graphs(tmp_path, f"method={method}")
    images = sample_images(3, 64, 64)
    position_m = torch.tensor([[1.0, 2, 3], [0, 0, 0], [4, -3, 2]], dtype=torch.float64)
    pose = Pose(position_m, torch.tensor([[0.5, 0.5, 0.5, 0.5]] * 3, dtype=torch.float64))
    covariance = torch.stack([0.04 * torch.eye(6).double(), NO_HINT, GPS])
    given = (*pose, covariance) if localizer.takes_hints else ()
    with torch.no_grad():
        t, q, stated, out_of_map = to_answer(to_feature(images), *given)
        with OnnxOperators():
            replaced = to_answer(to_feature(images), *given)
    for found, wanted in zip(replaced, (t, q, stated, out_of_map), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    for row, image in enumerate(images.numpy()):
        hint = Hint(Pose(pose.t[row], pose.q[row]), covariance[row])
        wanted = localizer.locate(image, hint=hint if given and row != 1 else None, modes=0)
        assert wanted.modes == ()
        torch.testing.assert_close(t[row], wanted.pose.t, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(q[row], wanted.pose.q, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(stated[row], wanted.covariance, rtol=1e-3, atol=1e-5)
        assert float(out_of_map[row]) == pytest.approx(wanted.out_of_map, rel=1e-4)


@pytest.mark.parametrize("source", ["prior", "constant", "none"])
def test_own_sources_of_hints_are_part_of_the_graph(tmp_path: Path, source: str) -> None:
    words = ("method=hinted_residual", f"inference_hint={source}")
    localizer, to_feature, to_answer = graphs(tmp_path, *words)
    image = sample_images(1, 64, 64)
    nothing = Pose(torch.zeros(1, 3).double(), torch.tensor([[1.0, 0, 0, 0]]).double())
    with torch.no_grad():
        t, _, stated, _ = to_answer(to_feature(image), *nothing, NO_HINT[None])
    wanted = localizer.locate(image[0].numpy())
    torch.testing.assert_close(t[0], wanted.pose.t, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stated[0], wanted.covariance, rtol=1e-3, atol=1e-5)


def test_positions_keep_their_digits_far_from_the_origin_of_the_world(tmp_path: Path) -> None:
    _, _, near = graphs(tmp_path, "method=hinted_residual")
    offset_m = torch.tensor([5e5, 5e6, 100.0], dtype=torch.float64)
    far = AnswerGraph(near.localizer, offset_m, takes_hints=True)
    feature, hints = torch.rand(2, 112, 1, 1), sample_hints(near, 2)
    moved = {**hints, HINT[0]: hints[HINT[0]] + offset_m}
    with torch.no_grad():
        t, far_t = near(feature, *hints.values())[0], far(feature, *moved.values())[0]
    torch.testing.assert_close(far_t - offset_m, t, rtol=0, atol=1e-5)


def test_what_is_no_network_alone_is_refused(tmp_path: Path) -> None:
    localizer = graphs(tmp_path, "method=posenet")[0].network
    localizer.refinement = object.__new__(LandmarkRefinement)
    with pytest.raises(InputError, match="landmarks are matched and solved by RANSAC"):
        exportable(localizer)
