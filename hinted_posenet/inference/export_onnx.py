"""One module of torch as a file of ONNX, whose batch may have any size."""

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

from hinted_posenet.inference.export_algebra import OnnxOperators

OPSET = 18  # of ONNX 1.13 (2022), which all runtimes have


class _InOnnx(nn.Module):
    """A module that is traced with operators of ONNX alone."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        with OnnxOperators():
            outputs: Tensor | tuple[Tensor, ...] = self.module(*inputs)
        return outputs


@torch.no_grad()
def write_graph(
    path: Path,
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    metadata: Mapping[str, str],
) -> None:
    """Write a module that maps inputs (B, ...), of which these are an example with B = 2, to outputs (B, ...).

    It is traced by TorchScript: the exporter on top of torch.export writes the same, in 50 s in place of 1.5 s for
    the head of PoseNet, as it proves for each of a thousand small operations that the batch may have any size.
    """
    import onnx

    with _quiet():
        torch.onnx.export(
            _InOnnx(module).eval(),  # else dropout is switched on afterwards
            tuple(inputs.values()),
            path,
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (*inputs, *outputs)},
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the exporter says about itself."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
