"""Evaluate a checkpoint: predict a split beside its controls, then score that as any method is scored."""

import time
from pathlib import Path
from typing import Any

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.files import check_writable
from hinted_posenet.core.offset import moved_pose
from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import to
from hinted_posenet.evaluation.predictions import (
    Controls,
    MethodAnswer,
    fit_controls,
    predict_split,
)
from hinted_posenet.evaluation.write_run import frames_of, provenance, write_run
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.hints.protocol import InferenceHints
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.map_refinement import MapRefinement
from hinted_posenet.inference.refinement import LandmarkRefinement
from hinted_posenet.reports.summary import print_result
from hinted_posenet.training.run import Evaluation
from hinted_posenet.training.scene import Scene


def evaluate(config: dict[str, Any]) -> Path:
    """Score a checkpoint on a split -> folder; another inference hint or number of steps is calibrated anew."""
    started = time.monotonic()
    asked = Evaluation.from_config(config)
    check_writable(asked.folder / "results.json")
    localizer, known = asked.localizer, asked.trained_scene
    controls: Controls = {}
    if known:  # hints and controls know what the network knows, also on another scene
        train_images = known.features(localizer.model, "train", asked.device)
        if asked.inference_hint:
            key = asked.checkpoint.feature_key
            replace_inference_hint(localizer, asked.inference_hint, key, known, train_images)
        if asked.refinement_steps:
            calibrate(localizer, asked.refinement_steps, known)
        controls = fit_controls(train_images, known.sequences(), asked.device)
    asked_of = (asked.split, asked.folder, asked.about, started)
    score_split(asked.scene, known, localizer.eval(), controls, *asked_of, verbose=asked.verbose)
    return asked.folder


def replace_inference_hint(
    localizer: LocalizerModule, hint: InferenceHints, key: str, scene: Scene, train: Sample
) -> None:
    """Give a trained localizer another inference hint, fitted to the training images; `calibrate` it next.

    ``key`` is the `feature_key` of what the localizer reads, ``train`` are features of the training images.
    """
    check_network_hint(hint, key, scene)
    hint.fit(train.T_world_cam, train.query.feature, scene.sequences())
    localizer.inference_hint = hint.to(localizer.device)


def calibrate(localizer: LocalizerModule, refinement_steps: int, scene: Scene) -> None:
    """Measure the localizer, its inference hint and its refinement steps on the validation split."""
    localizer.model.set_refinement_steps(refinement_steps)
    validation = scene.samples(localizer, "val", localizer.device)
    localizer.calibrate(to(validation, localizer.device))


def score_split(
    scene: Scene,
    trained_scene: Scene | None,
    localizer: LocalizerModule,
    controls: Controls,
    split: str,
    folder: Path,
    about: dict[str, Any],
    started: float,
    verbose: bool | None = None,
) -> None:
    """Write results.json, poses.csv and frames.csv into ``folder``, and print a summary or all; None: nothing.

    ``trained_scene`` has the training images, which is the same scene unless an evaluation asks for another.
    ``about`` is what `describe_run` says, ``started`` the ``time.monotonic()`` at which the run began.
    """
    samples = scene.samples(localizer, split, localizer.device)
    batch_size = scene.settings.feature_batch_size
    answers = predict_split(localizer, controls, samples, batch_size, about["seed"])
    _check_finite(split, answers)
    refinement = localizer.refinement
    counts = {name: len(views) for name, views in scene.views.items()}
    train = frames_of(trained_scene.views["train"]) if trained_scene else None
    about = {
        **about,
        "data": scene.identity,
        "split": split,
        "oracle": localizer.inference_hint.oracle,
        "frames": counts | {"train": len(train.name) if train else 0},
        "excluded_frames": scene.excluded,
        "card_notes": scene.card_notes,
        "map": scene.map,
        "origin": scene.origin._asdict() if scene.origin else None,
        "priors": scene.priors,
        "landmarks": refinement.landmarks.about()
        if isinstance(refinement, LandmarkRefinement)
        else None,
        "registration": refinement.registration.about()
        if isinstance(refinement, MapRefinement)
        else None,
        "wall_time_s": round(time.monotonic() - started, 1),
        **provenance(str(localizer.device)),
    }
    frames, thresholds = frames_of(scene.views[split]), scene.data.recall_m_deg
    truth = moved_pose(scene.poses(split), -scene.offset_m)
    known = moved_pose(trained_scene.poses("train"), -scene.offset_m) if trained_scene else None
    answers = [answer.in_float64() for answer in answers]
    results = write_run(
        folder, about, frames, train, answers, truth, thresholds, known, scene.offset_m
    )
    if verbose is None:
        return
    print_result(results, verbose)
    print(f"written: {folder / 'results.json'}, {folder / 'poses.csv'}, {folder / 'frames.csv'}")


def _check_finite(split: str, answers: list[MethodAnswer]) -> None:
    """Refuse poses of a network that are no numbers, which no table may hold."""
    for answer in answers:
        bad = int((~torch.cat(answer.pose, dim=1).isfinite().all(dim=1)).sum())
        if bad and answer.role == "network":
            raise InputError(
                f"{split}: the network answers no finite pose to {bad} of {len(answer.pose.t)} images; train it "
                "again"
            )


def check_network_hint(hint: InferenceHints, key: str, scene: Scene) -> None:
    """Refuse the hint of a network that was trained on another scene, or that reads other features."""
    if not isinstance(hint, NetworkHint):
        return
    here = scene.identity | {"offset_m": scene.offset_m.tolist()}
    if hint.trained_on != here:
        raise InputError(
            f"inference_hint.checkpoint: its network was trained on {hint.trained_on}, not {here}; "
            "poses of another scene or ground truth are no hint"
        )
    if hint.feature_key != key:
        raise InputError(
            "inference_hint.checkpoint: its network reads other features (backbone, its weights, pool or image "
            "size differ); train it with the same backbone, pool, data.height, data.width, backbone.trainable=none"
        )
