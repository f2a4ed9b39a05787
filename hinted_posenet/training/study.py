"""A study: every method and seed on one scene, each evaluated with every inference hint, cell by cell."""

import contextlib
import io
import time
from pathlib import Path
from typing import Any

import torch

from hinted_posenet.core.files import write_json
from hinted_posenet.core.types import Hint, Pose, Sample
from hinted_posenet.data.posed_images import to
from hinted_posenet.evaluation.metrics import pose_errors
from hinted_posenet.evaluation.predictions import Controls, fit_controls
from hinted_posenet.hints.kernel import KernelRegression
from hinted_posenet.hints.prior import OracleHint
from hinted_posenet.hints.protocol import InferenceHints, robust_sigma
from hinted_posenet.hints.retrieval import NearestNeighbours, RetrievalHint
from hinted_posenet.hints.trivial import NoHint
from hinted_posenet.inference.build import build
from hinted_posenet.inference.checkpoint import load_localizer, network_hint, read_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule, prepare_device
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.training.evaluate import calibrate, replace_inference_hint, score_split
from hinted_posenet.training.run import describe_run, read_scene, run_folder, takes_hints
from hinted_posenet.training.scene import Scene
from hinted_posenet.training.train import train

SWEEP = (0.01, 0.03, 0.1, 0.3, 1.0)  # sigmas of simulated sensors, in half-extents of the scene
CURVE_STEPS = 20  # refinement steps of the contraction curves


class SceneStudy:
    """Trains and evaluates the cells of one scene, which share the fitted controls of each kind of feature.

    ``hints`` are name -> config of an inference hint; a method that is trained without hints does not get them.
    """

    def __init__(self, hints: dict[str, dict[str, Any]]):
        self.hints = hints
        self.controls: dict[str, Controls] = {}

    def run(self, config: dict[str, Any], network: Path | None) -> bool:
        """Train a run if need be, then score it with each hint that it was not scored with yet.

        The config has ``resume``; the answers of a ``network`` that reads the same features are one more hint.
        Return whether anything was left to do.
        """
        files = run_folder(config)
        run = files.path
        finished = files.is_finished()
        silent = contextlib.redirect_stdout(
            io.StringIO()
        )  # tables of a cell would hide the study's
        if not finished:
            with silent:
                train(config)
        hints = dict(self.hints) if takes_hints(config) else {}
        if network and hints:
            target = f"{network_hint.__module__}.{network_hint.__name__}"
            hints["network"] = {"_target_": target, "checkpoint": str(network)}
        left = {name: node for name, node in hints.items() if not _result(run, name).is_file()}
        curves = run / "curves.json"
        if not left and (curves.is_file() or not hints):
            return not finished
        checkpoint = read_checkpoint(run)
        key = checkpoint.feature_key
        reads_prior = any(build(node, "inference_hint").reads_prior for node in left.values())
        splits = ("val", "test") if reads_prior else ()
        scene = read_scene(config, splits, checkpoint.place.offset_m)
        device = prepare_device("cpu", scene.settings.threads)
        localizer = load_localizer(checkpoint)
        memory = scene.features(localizer.model, "train", device)
        controls = self._controls(key, scene, memory)
        steps = localizer.model.refinement_steps
        for name, node in left.items():
            started = time.monotonic()
            source = build(node, "inference_hint")
            replace_inference_hint(localizer, source, key, scene, memory)
            calibrate(localizer, steps, scene)
            about, folder = describe_run(config, node), _result(run, name).parent
            with silent:
                asked = ("test", folder, about, started)
                score_split(scene, scene, localizer.eval(), controls, *asked)
        if not curves.is_file():
            replace_inference_hint(localizer, RetrievalHint(), key, scene, memory)
            write_json(curves, measure_curves(localizer, scene))
        return True

    def _controls(self, key: str, scene: Scene, memory: Sample) -> Controls:
        """Return the controls of one kind of features; kernel regression takes half a minute to fit."""
        if key not in self.controls:
            controls = fit_controls(memory, scene.sequences(), torch.device("cpu"))
            more = {"k-NN": NearestNeighbours(), "kernel regression": KernelRegression()}
            for control in more.values():
                control.fit(memory.T_world_cam, memory.query.feature, scene.sequences())
            self.controls[key] = {**controls, **more}
        return self.controls[key]


@torch.inference_mode()
def measure_curves(localizer: LocalizerModule, scene: Scene) -> dict[str, Any]:
    """Return errors, frame by frame, against the sigma of a simulated sensor and the number of refinement steps.

    All steps are taken: nothing stops a cascade, so that the curves show where it leads. The localizer has a
    fitted retrieval hint, which is calibrated here.
    """
    device, model = localizer.device, localizer.model
    validation = to(scene.samples(localizer, "val", device), device)
    test = to(scene.samples(localizer, "test", device), device)
    half_extent_m = float(model.frame.scale_m)
    sweep, contraction = [], {}
    for fraction in SWEEP:
        hint = OracleHint(fraction * half_extent_m, None, seed=1).query_of(test).prior
        if localizer.refinement:
            answer = localizer.predict(test.query, hint).answers[-1].pose
        else:
            answer = model(test.query.feature.float(), hint)
        errors = {"hint": _errors(hint.pose, test), "answer": _errors(answer, test)}
        sweep.append({"fraction": fraction, **errors})
    localizer.calibrate(validation)
    for name, source in (("none", NoHint()), ("retrieval", localizer.inference_hint)):
        contraction[name] = _steps(model, source, validation, test)
    # the sweep's hints were made from the labels
    about = {"oracle": True, "half_extent_m": half_extent_m}
    return {**about, "sweep": sweep, "contraction": contraction}


def _steps(
    model: PoseNet, source: InferenceHints, validation: Sample, test: Sample
) -> dict[str, Any]:
    """Return the errors of every step; its hint has the sigma that the last step had on validation."""
    features = [sample.query.feature.float() for sample in (validation, test)]
    hint_v, hint = (
        source.at_inference(sample.query, feature)
        for sample, feature in zip((validation, test), features, strict=True)
    )
    start, errors = _errors(hint.pose, test), []
    for _ in range(CURVE_STEPS):
        known, pose = model(features[0], hint_v), model(features[1], hint)
        errors.append(_errors(pose, test))
        sigmas = robust_sigma(known, validation.T_world_cam)
        hint_v, hint = (Hint.isotropic(answer, *sigmas) for answer in (known, pose))
    return {"start": start, "refinement_steps": errors}


def _errors(pose: Pose, sample: Sample) -> dict[str, list[float]]:
    """Return the errors of poses (N,) in metres and degrees, rounded to what a figure shows."""
    t_m, r_deg = pose_errors(pose, sample.T_world_cam)
    errors = {"t_m": t_m.tolist(), "r_deg": r_deg.tolist()}
    return {name: [float(f"{value:.4g}") for value in values] for name, values in errors.items()}


def _result(run: Path, hint: str) -> Path:
    return run / f"from-{hint}" / "results.json"
