"""Train a network, from images with poses to a scored checkpoint; reads from top to bottom."""

import logging
import shutil
import time
from typing import Any

import torch

from hinted_posenet.core.geometry import rotation_angle
from hinted_posenet.core.types import Sample
from hinted_posenet.data.posed_images import in_batches, take, to
from hinted_posenet.evaluation.predictions import fit_controls
from hinted_posenet.evaluation.results_file import read_results
from hinted_posenet.inference.checkpoint import save_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.place import Place
from hinted_posenet.reports.learning_curve import learning_curve, read_history
from hinted_posenet.reports.summary import print_result
from hinted_posenet.training.evaluate import check_network_hint, score_split
from hinted_posenet.training.features import feature_key
from hinted_posenet.training.fitting import batches, fit
from hinted_posenet.training.lightning_module import TrainingSet
from hinted_posenet.training.refining import FOLDERS, fit_refinement, is_trained, prepare_refinement
from hinted_posenet.training.run import Run, describe_run, run_folder
from hinted_posenet.training.run_folder import RunFolder
from hinted_posenet.training.scene import Scene, is_frozen

log = logging.getLogger(__name__)


def train(config: dict[str, Any]) -> float:
    """Train, choose the checkpoint on the validation split, calibrate, score the test split once.

    Returns:
        val/score of the chosen checkpoint: median errors of the validation split, in metres over the scene's
        scale plus radians.
    """
    files = run_folder(config)
    with files.locked():
        return _train(config, files)


def _train(config: dict[str, Any], files: RunFolder) -> float:
    started = time.monotonic()
    folder = files.path
    if files.is_finished():
        print(f"{folder}: finished already")
        print_result(read_results(folder / "results.json"), config["verbose"])
        history = folder / "history.csv"  # which landmarks or a map alone have not
        rows = read_history(history) if history.is_file() else []
        scores = [row["val/score"] for row in rows]
        return min((float(score) for score in scores if score), default=float("nan"))
    run = Run.from_config(config)
    scene, localizer, device = run.scene, run.localizer, run.device
    frozen = is_frozen(localizer.model)
    size = (scene.data.height, scene.data.width, scene.data.crop)
    key = feature_key(localizer.model, *size) if frozen else ""
    check_network_hint(localizer.inference_hint, key, scene)

    # with a frozen backbone all images and their augmented versions become features; else, and where
    # they are rendered without end, they stream
    streams = scene.is_live or not frozen
    settings = run.settings
    versions = 0 if streams else settings.augmented_views
    features = scene.features(
        localizer.model, "train", device, run.augment, versions, settings.seed
    )
    train_images = take(features, slice(len(scene.views["train"])))
    validation = scene.features(localizer.model, "val", device)
    run.module.to(device).fit_scene(*_measured(train_images, scene))
    if not frozen:
        run.module.training_set = lambda: _measured(
            scene.features(localizer.model, "train", run.module.device), scene
        )
    unchanging = (train_images, validation) if frozen else None
    data = batches(scene, settings, run.augment, None if streams else features, unchanging)
    local = prepare_refinement(localizer, scene, device)
    files.open()  # not earlier: a mistake in config, labels or images leaves no trace
    score = None
    if is_trained(localizer):
        score = fit(run.trainer, run.module, data)
        if not run.trainer.is_global_zero:  # a further process of a run on several devices
            return score
        learning_curve(folder / "learning_curve.png", folder / "history.csv")

    run.module.eval().to(device)
    if not frozen:  # the features have changed with the backbone
        run.module.refit_scene()
        train_images = scene.features(localizer.model, "train", device)
    labels = to(train_images, device)
    localizer.uncertainty.fit(
        labels.T_world_cam,
        labels.query.feature,
        scene.dates().to(device),
        localizer.model.frame.scale_m,
    )
    fit_refinement(localizer, scene, train_images, local, folder)
    validation = to(scene.samples(localizer, "val", device), device)
    localizer.to(device).calibrate(validation)
    place = Place.of(train_images, scene.origin, scene.offset_m)
    save_checkpoint(folder / "localizer.ckpt", localizer, config, key, place)
    controls = fit_controls(train_images, scene.sequences(), device)
    about = describe_run(config)
    for split, where in (("val", folder / "val"), ("test", folder)):
        shown = run.settings.verbose if split == "test" or run.settings.verbose else None
        score_split(scene, scene, localizer, controls, split, where, about, started, shown)
    for part in ("lightning", *FOLDERS):  # only an interrupted run needs them
        shutil.rmtree(folder / part, ignore_errors=True)
    return validation_score(localizer, validation) if score is None else score


def _measured(train_images: Sample, scene: Scene) -> TrainingSet:
    """Return what is measured of a training set."""
    return train_images.T_world_cam, train_images.query.feature, scene.sequences()


@torch.no_grad()
def validation_score(localizer: LocalizerModule, validation: Sample) -> float:
    """Return the median errors of a localizer on the validation split, as `train` does."""
    pose, truth = in_batches(localizer.answer, validation.query).pose, validation.T_world_cam
    error_t = (pose.t - truth.t).norm(dim=-1).quantile(0.5) / localizer.model.frame.scale_m
    return float(error_t + rotation_angle(pose.q, truth.q).quantile(0.5))
