"""The jobs of the command line, each readable from top to bottom."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Pose, Sample
from hinted_posenet.data.formats.export import export as export_scene
from hinted_posenet.data.posed_images import FolderImages
from hinted_posenet.data.poses import write_poses as write_poses_text
from hinted_posenet.data.stacked import take, to
from hinted_posenet.evaluation.run_files import read_results
from hinted_posenet.hints.network import NetworkHint
from hinted_posenet.inference.allocator import keep_freed_memory
from hinted_posenet.inference.build import build, build_localizer
from hinted_posenet.inference.checkpoint import (
    Checkpoint,
    load_localizer,
    read_checkpoint,
    save_checkpoint,
)
from hinted_posenet.reports.learning_curve import learning_curve
from hinted_posenet.reports.results_table import print_results
from hinted_posenet.training.evaluation import fit_controls, score_split, with_simulated_prior
from hinted_posenet.training.features import feature_key, with_feature
from hinted_posenet.training.fitting import batches, build_trainer, fit, quiet_lightning
from hinted_posenet.training.localizer import Localizer
from hinted_posenet.training.run_folder import is_finished, open_run
from hinted_posenet.training.scene import Scene, is_frozen


def train(config: dict[str, Any]) -> Path:
    """Train, choose the checkpoint on the validation sequence, calibrate, score the test split once.

    Returns:
        The run's folder.
    """
    started = time.monotonic()
    run = Path(config["paths"]["run"])
    if is_finished(run, config):
        print(f"{run}: finished already")
        print_results(read_results(run / "results.json"))
        return run
    device = _set_up(config)
    scene = Scene(config)
    localizer = build_localizer(config)
    if localizer.inference_hint.oracle:
        raise InputError(
            "inference_hint=oracle: only evaluate takes it; train with another inference_hint"
        )
    if config["averaged_steps"] is not None and not config["averaged_steps"] >= 1:
        raise InputError(
            f"averaged_steps={config['averaged_steps']}: must be at least 1, or null for no averaging"
        )
    trainer = build_trainer(config, run)  # before the features, which may take hours
    frozen = is_frozen(localizer.model)
    key = feature_key(localizer.model, scene.height, scene.width, scene.crop) if frozen else ""
    _check_start_network(localizer, key, scene)

    # with a frozen backbone all images and their augmented versions become features; else, and where
    # they are rendered without end, they stream
    streams = scene.is_live or not frozen
    features = scene.features(localizer.model, "train", device, augmented=not streams)
    train_images = take(features, slice(len(scene.views["train"])))
    validation = scene.features(localizer.model, "val", device)
    localizer.fit_scene(train_images.T_world_cam, train_images.query.feature, scene.sequences())
    still = (train_images, validation) if frozen else None
    module = batches(config, scene, None if streams else features, still)
    open_run(run, config)  # not earlier: a mistake in config, labels or images leaves no trace
    if not fit(trainer, run, localizer, module):
        return run
    learning_curve(run / "learning_curve.png", run / "history.csv")
    localizer.eval().to(device)
    if not frozen:  # the features have changed with the backbone
        train_images = scene.features(localizer.model, "train", device)
        validation = scene.features(localizer.model, "val", device)
        localizer.inference_hint.fit(
            train_images.T_world_cam, train_images.query.feature, scene.sequences()
        )
    localizer.to(device).calibrate(to(validation, device))
    save_checkpoint(run / "localizer.ckpt", localizer, config, key)
    controls = fit_controls(train_images, scene.sequences(), device)
    for split, folder in (("val", run / "val"), ("test", run)):
        score_split(config, scene, localizer, controls, split, folder, started)
    shutil.rmtree(run / "lightning", ignore_errors=True)  # what a resumed run would have needed
    return run


def evaluate(config: dict[str, Any]) -> None:
    """Score a checkpoint on a split beside its controls; another first hint or cascade is calibrated anew."""
    started = time.monotonic()
    device = _set_up(config)
    checkpoint = read_checkpoint(config["checkpoint"])
    merged = _evaluation_config(config, checkpoint)
    scene = Scene(merged)
    localizer = load_localizer(checkpoint).to(device)
    train_images = scene.features(localizer.model, "train", device)
    name = config["split"]
    if config.get("inference_hint") or config["refinement_steps"]:
        if config.get("inference_hint"):
            set_inference_hint(localizer, config["inference_hint"], checkpoint, scene, train_images)
        localizer.model.set_refinement_steps(merged["refinement_steps"])
        calibrate(localizer, scene)
        name += f"-{type(localizer.inference_hint).__name__}-{merged['refinement_steps']}"
    folder = Path(config["output"] or checkpoint.path.parent / "evaluate" / name)
    controls = fit_controls(train_images, scene.sequences(), device)
    score_split(merged, scene, localizer.eval(), controls, config["split"], folder, started)


def set_inference_hint(
    localizer: Localizer, hint: dict[str, Any], checkpoint: Checkpoint, scene: Scene, train: Sample
) -> None:
    """Another first hint for a trained localizer, fitted to the training images; it is to be calibrated."""
    localizer.inference_hint = build(hint)
    _check_start_network(localizer, checkpoint.feature_key, scene)
    localizer.inference_hint.fit(train.T_world_cam, train.query.feature, scene.sequences())


def calibrate(localizer: Localizer, scene: Scene) -> None:
    """Measure the localizer, its first hint and its passes on the validation split."""
    device = localizer.model.frame.center_m.device
    validation = scene.features(localizer.model, "val", device)
    validation = with_simulated_prior(localizer.inference_hint, validation)
    localizer.to(device).calibrate(to(validation, device))


def predict(config: dict[str, Any]) -> None:
    """Write the poses of a folder of images without ground truth."""
    device = _set_up(config)
    checkpoint = read_checkpoint(config["checkpoint"])
    data = checkpoint.config["data"]
    images = FolderImages(Path(config["images"]), data["height"], data["width"], crop=data["crop"])
    localizer = load_localizer(checkpoint).to(device)
    names: list[str] = []
    poses: list[Pose] = []
    with torch.inference_mode():
        for query in tqdm(DataLoader(images, config["batch_size"]), "predict", unit="batch"):
            query = with_feature(localizer.model, to(query, device))
            poses.append(localizer.predict(query).poses[-1])
            names += query.name
    pose = Pose(*(torch.cat([part.cpu() for part in parts]) for parts in zip(*poses, strict=True)))
    output = Path(config["output"])
    write_poses_text(output, names, pose)
    where = f"{data['name']}/{data['scene']}, {data['ground_truth']} ground truth"
    print(f"{len(names)} poses (world-to-camera, in the world of {where}) in {output}")


def simulate(config: dict[str, Any]) -> None:
    """Write an aerial data set from a generated or a real world."""
    from hinted_posenet.simulator.simulate import simulate as fly  # open3d takes seconds to import

    keep = ("scene", "seed", "image_format", "depth", "expected")
    how = ("root", "overwrite", "threads", "workers", "scheduler")  # these change no byte
    fly(
        world=build(config["world"]),
        flights={name: build(flight) for name, flight in config["flights"].items()},
        camera=build(config["camera"]),
        recipe={k: v for k, v in config.items() if k not in (*how, "expected", "paths")},
        **{key: config[key] for key in (*keep, *how)},
    )


def export(config: dict[str, Any]) -> None:
    """Write a data set in the layout of other software."""
    data = config["data"]
    summary = export_scene(
        build(data["reader"]),
        Path(data["root"]),
        data["scene"],
        build(config["format"]),
        Path(config["out"]),
        config["overwrite"],
        data["exclude"],
        data["skip_faulty"],
    )
    print(summary)


def show(config: dict[str, Any]) -> None:
    """Draw a recipe's world, the data set that was simulated over it, or a run of any data set."""
    from hinted_posenet.show.subject import Subject  # open3d takes seconds to import

    picture, run = build(config["what"]), config["run"]
    if run is not None and "run" not in config["what"]:
        raise InputError(f"run={run}: what=run draws it; give that too, or leave run out")
    keep = {key: config[key] for key in ("scene", "seed", "threads")}
    subject = Subject(lambda: build(config["world"]), Path(config["root"]), **keep)
    default = f"{config['scene']}-{picture.file}" if run is None else Path(run, picture.file)
    picture.draw(subject, Path(config["output"] or default))


def _evaluation_config(config: dict[str, Any], checkpoint: Checkpoint) -> dict[str, Any]:
    """The training config with what an evaluation may change, refusing another scene unasked."""
    trained = checkpoint.config
    if config["split"] not in ("train", "val", "test"):
        raise InputError(f"split={config['split']}: choose train, val or test")
    given = {key: value for key, value in config["data"].items() if value is not None}
    data = {**trained["data"], **given}
    if data["scene"] != trained["data"]["scene"] and not config["allow_other_scene"]:
        raise InputError(
            f"data.scene={data['scene']}: the checkpoint was trained on scene {trained['data']['scene']} of "
            f"{trained['data']['name']}; leave data.scene out, or give allow_other_scene=true"
        )
    if data["scene"] != trained["data"]["scene"]:
        data |= {
            "validation": None,
            "exclude": [],
        }  # these named sequences and frames of the trained one
    taken = {
        key: config[key] for key in ("paths", "workers", "threads", "accelerator", "image_cache_gb")
    }
    for key in ("inference_hint", "refinement_steps"):
        taken[key] = config.get(key) or trained[key]
    return {**trained, **taken, "data": data}


def _check_start_network(localizer: Localizer, key: str, scene: Scene) -> None:
    """A network whose answer is the first hint was trained on this scene, and reads the same features."""
    hint = localizer.inference_hint
    if not isinstance(hint, NetworkHint):
        return
    trained_on: Any = hint.config["data"]
    theirs = {name: trained_on[name] for name in scene.identity}
    if theirs != scene.identity:
        raise InputError(
            f"inference_hint.checkpoint: its network was trained on {theirs}, not {scene.identity}; poses of "
            "another scene or ground truth are no hint"
        )
    if hint.feature_key != key:
        raise InputError(
            "inference_hint.checkpoint: its network reads other features (backbone, its weights, pool or image "
            "size differ); train it with the same backbone, pool, data.height, data.width, backbone.trainable=none"
        )


def _set_up(config: dict[str, Any]) -> torch.device:
    """Seeds, threads, and the device that features are computed on."""
    keep_freed_memory()
    quiet_lightning()
    if config["threads"]:
        torch.set_num_threads(config["threads"])
    pl.seed_everything(config.get("seed", 0), workers=True, verbose=False)  # only training draws
    gpu = config["accelerator"] in ("auto", "gpu", "cuda") and torch.cuda.is_available()
    return torch.device("cuda" if gpu else "cpu")
