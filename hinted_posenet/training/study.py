"""The study: every method and seed on one scene, each under every hint, cell by cell."""

import contextlib
import io
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hinted_posenet.core.files import write_text
from hinted_posenet.core.types import Hint, Pose, Sample
from hinted_posenet.data.stacked import to
from hinted_posenet.evaluation.metrics import pose_errors
from hinted_posenet.hints.kernel import KernelRegression
from hinted_posenet.hints.prior import OracleHint
from hinted_posenet.hints.protocol import robust_sigma
from hinted_posenet.hints.retrieval import NearestNeighbours
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.training.engine import calibrate, set_inference_hint, train
from hinted_posenet.training.evaluation import (
    Controls,
    fit_controls,
    score_split,
    with_simulated_prior,
)
from hinted_posenet.training.localizer import Localizer
from hinted_posenet.training.run_folder import is_finished
from hinted_posenet.training.scene import Scene

SWEEP = (0.01, 0.03, 0.1, 0.3, 1.0)  # sigmas of simulated sensors, in halves of the scene's extent
PASSES = 20  # of the contraction curves


class SceneStudy:
    """What the cells of one scene share: the fitted controls of each kind of feature.

    Args:
        hints: name -> inference_hint config. A method that was trained to take none is not asked them.
    """

    def __init__(self, hints: dict[str, dict[str, Any]]):
        self.hints = hints
        self.controls: dict[str, Controls] = {}

    def run(self, config: dict[str, Any], network: Path | None) -> bool:
        """Train a run if need be, then score it under the hints that it was not scored under yet.

        Args:
            config: a training config with ``resume``.
            network: run of a network that reads the same features, whose answers are one more hint.

        Returns:
            Whether anything was left to do.
        """
        run = Path(config["paths"]["run"])
        finished = is_finished(run, config)
        if not finished:
            with _silent():
                train(config)
        hints = dict(self.hints) if takes_hints(config) else {}
        if network and hints:
            target = "hinted_posenet.inference.checkpoint.network_hint"
            hints["network"] = {"_target_": target, "checkpoint": str(network)}
        left = {name: node for name, node in hints.items() if not _result(run, name).is_file()}
        curves = run / "curves.json"
        if not left and (curves.is_file() or not hints):
            return not finished
        if config["threads"]:  # a run that was finished before has not set them
            torch.set_num_threads(config["threads"])
        checkpoint = read_checkpoint(run)
        scene = Scene(config)
        localizer = load_localizer(checkpoint)
        memory = scene.features(localizer.model, "train", torch.device("cpu"))
        controls = self._controls(checkpoint.feature_key, scene, memory)
        for name, node in left.items():
            started = time.monotonic()
            set_inference_hint(localizer, node, checkpoint, scene, memory)
            localizer.model.set_refinement_steps(config["refinement_steps"])
            calibrate(localizer, scene)
            named = {**config, "inference_hint": node}
            with _silent():
                folder = _result(run, name).parent
                score_split(named, scene, localizer.eval(), controls, "test", folder, started)
        if not curves.is_file():
            found = measure_curves(localizer, scene, memory, checkpoint)
            write_text(curves, json.dumps(found) + "\n")
        return True

    def _controls(self, key: str, scene: Scene, memory: Sample) -> Controls:
        """Fitted once per kind of features, since kernel regression takes half a minute."""
        if key not in self.controls:
            controls = fit_controls(memory, scene.sequences(), torch.device("cpu"))
            more: Controls = {"k-NN": NearestNeighbours(), "kernel regression": KernelRegression()}
            for control in more.values():
                control.fit(memory.T_world_cam, memory.query.feature, scene.sequences())
            self.controls[key] = controls | more
        return self.controls[key]


def takes_hints(config: dict[str, Any]) -> bool:
    """Whether a training config's network was made to be hinted: PoseNet and the null-hint control were not."""
    return any(
        not config[key]["_target_"].endswith("NoHint") for key in ("train_hint", "inference_hint")
    )


@torch.inference_mode()
def measure_curves(
    localizer: Localizer, scene: Scene, memory: Sample, checkpoint: Any
) -> dict[str, Any]:
    """Errors frame by frame against the sigma of a simulated sensor, and against the number of passes.

    The passes are as many as there are: nothing stops them, so that one sees where they would lead.
    """
    device = localizer.model.frame.center_m.device
    validation = to(scene.features(localizer.model, "val", device), device)
    test = to(scene.features(localizer.model, "test", device), device)
    half_extent_m = float(localizer.model.frame.scale_m)
    sweep, contraction = [], {}
    for fraction in SWEEP:
        sensor = OracleHint(fraction * half_extent_m, None, seed=1)
        hint = with_simulated_prior(sensor, test).query.prior
        answer = localizer.model(test.query.feature.float(), hint)
        sweep.append(
            {
                "fraction": fraction,
                "hint": _errors(hint.pose, test),
                "answer": _errors(answer, test),
            }
        )
    retrieval = {"_target_": "hinted_posenet.hints.retrieval.RetrievalHint"}
    set_inference_hint(localizer, retrieval, checkpoint, scene, memory)
    calibrate(localizer, scene)
    for name, source in (("none", NoHint()), ("retrieval", localizer.inference_hint)):
        hint_v, hint = (
            source.at_inference(s.query, s.query.feature.float()) for s in (validation, test)
        )
        contraction[name] = _passes(localizer, hint_v, hint, validation, test)
    # the sweep's hints were made from the labels
    return {
        "oracle": True,
        "half_extent_m": half_extent_m,
        "sweep": sweep,
        "contraction": contraction,
    }


def _passes(
    localizer: Localizer, hint_v: Hint, hint: Hint, validation: Sample, test: Sample
) -> dict[str, Any]:
    """Errors of every pass, each with the sigma that the last one had on the validation split."""
    errors = []
    start = _errors(hint.pose, test)
    for _ in range(PASSES):
        known = localizer.model(validation.query.feature.float(), hint_v)
        pose = localizer.model(test.query.feature.float(), hint)
        errors.append(_errors(pose, test))
        sigmas = robust_sigma(known, validation.T_world_cam)
        hint_v, hint = (Hint.with_sigma(answer, *sigmas) for answer in (known, pose))
    return {"start": start, "refinement_steps": errors}


def _errors(pose: Pose, sample: Sample) -> dict[str, list[float]]:
    """Of poses (N,): metres and degrees, rounded to what a figure shows."""
    t_m, r_deg = pose_errors(pose, sample.T_world_cam)
    return {"t_m": _rounded(t_m), "r_deg": _rounded(r_deg)}


def _rounded(values: Tensor) -> list[float]:
    return [float(f"{value:.4g}") for value in values.tolist()]


def _result(run: Path, hint: str) -> Path:
    return run / f"from-{hint}" / "results.json"


def _silent() -> contextlib.redirect_stdout[io.StringIO]:
    """A cell's own table would hide the study's."""
    return contextlib.redirect_stdout(io.StringIO())
