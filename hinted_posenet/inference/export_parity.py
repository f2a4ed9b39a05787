"""What onnxruntime answers from the exported graphs, held against torch."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor
from torch.nn.functional import interpolate, normalize

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.inference.export_graphs import ANSWER, HINT, AnswerGraph, FeatureGraph

BATCHES = (1, 3)
CELLS = 8  # per side, of the random images
# per axis, of the hints that are tried: shares of the scene's half extent, and as many radians
SIGMAS = (0.01, 0.1, 1.0)

Run = Callable[[Mapping[str, NDArray[Any]]], list[NDArray[Any]]]


class Differences(NamedTuple):
    """The largest between onnxruntime and torch, each relative."""

    feature: float  # to the largest number of the feature
    position: float  # to the scene's half extent
    rotation: float  # radians
    covariance: float  # of an element to the root of its two variances
    out_of_map: float

    @property
    def largest(self) -> float:
        """The largest of all."""
        return max(self)

    def joined(self, other: "Differences") -> "Differences":
        """Return the larger of each."""
        return Differences(*map(max, self, other))


def open_graph(path: Path, threads: int = 1) -> Run:
    """Open a graph in onnxruntime on the CPU: a function from inputs by name to the list of outputs."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
    return lambda inputs: list(session.run(None, dict(inputs)))


def sample_images(batch: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Draw smooth images (B, H, W, 3) uint8."""
    generator = Generator().manual_seed(seed)
    colours = torch.rand(batch, 3, CELLS, CELLS, generator=generator)
    smooth = interpolate(colours, size=(height, width), mode="bilinear")
    return (255 * smooth).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def sample_hints(graph: AnswerGraph, batch: int, seed: int = 0) -> dict[str, Tensor]:
    """Draw hints (B,) of the second graph's inputs: every third is none, some have a position alone."""
    if not graph.takes_hints:
        return {}
    generator = Generator().manual_seed(seed)
    frame = graph.localizer.model.frame
    scale_m = float(frame.scale_m)
    off_m = scale_m * (2 * torch.rand(batch, 3, generator=generator).double() - 1)
    position_m = frame.center_m.double() + graph.offset_m + off_m
    quaternion = normalize(torch.randn(batch, 4, generator=generator).double(), dim=-1)
    sigma = torch.tensor([SIGMAS[(row + seed) % len(SIGMAS)] for row in range(batch)])
    variance = torch.cat([scale_m * torch.ones(3), torch.ones(3)]).double() * sigma[:, None]
    variance = variance.square()
    kind = (torch.arange(batch) + seed) % 3
    variance[kind == 1] = torch.inf
    variance[kind == 2, 3:] = torch.inf
    covariance = torch.diag_embed(variance)
    return dict(zip(HINT, (position_m, quaternion, covariance), strict=True))


@torch.no_grad()
def differences(
    features: FeatureGraph, answers: AnswerGraph, folder: Path, height: int, width: int
) -> Differences:
    """Return the largest differences over batches of 1 and 3 images with hints and without."""
    to_feature, to_answer = (open_graph(folder / f"{name}.onnx") for name in ("backbone", "head"))
    worst = Differences(0.0, 0.0, 0.0, 0.0, 0.0)
    for batch in BATCHES:
        for seed in range(3):
            image = sample_images(batch, height, width, seed)
            hints = sample_hints(answers, batch, seed)
            feature = features(image)
            found = torch.from_numpy(to_feature({"image": image.numpy()})[0])
            inputs = {"feature": feature.numpy()}
            inputs |= {name: value.numpy() for name, value in hints.items()}
            answered = to_answer(inputs)
            apart = _apart(dict(zip(ANSWER, answered, strict=True)), answers, feature, hints)
            off = (found - feature).abs().max() / feature.abs().max()
            worst = worst.joined(Differences(_number(off), *map(_number, apart)))
    return worst


def _apart(
    found: Mapping[str, NDArray[Any]],
    graph: AnswerGraph,
    feature: Tensor,
    hints: Mapping[str, Tensor],
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return how far answers are from those of torch to the same features and hints."""
    wanted = dict(zip(ANSWER, graph(feature, *hints.values()), strict=True))
    t, q, covariance, out = (torch.from_numpy(np.asarray(found[name])) for name in ANSWER)
    off_m = (t - wanted["position_m"]).abs().max() / graph.localizer.model.frame.scale_m
    turn = rotation_angle(q, wanted["quaternion_wxyz"]).max()
    sigma = wanted["covariance"].diagonal(dim1=-2, dim2=-1).sqrt()
    both = sigma.unsqueeze(-1) * sigma.unsqueeze(-2)
    stretch = ((covariance - wanted["covariance"]) / both).abs().max()
    far = (out - wanted["out_of_map"]).nan_to_num(0.0).abs().max()
    return off_m, turn, stretch, far


def _number(difference: Tensor) -> float:
    """Return a difference (); infinity where one of the two answers no number."""
    return float(difference.nan_to_num(nan=torch.inf))
