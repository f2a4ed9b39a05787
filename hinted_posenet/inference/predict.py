"""Predict the poses of images without ground truth."""

from pathlib import Path

import torch
from torch.utils.data import DataLoader
from tqdm import tqdm

from hinted_posenet.core.types import Pose
from hinted_posenet.data.posed_images import FolderImages, joined, to
from hinted_posenet.data.poses import write_poses
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint
from hinted_posenet.inference.localizer import prepare_device


@torch.inference_mode()
def predict_folder(
    checkpoint: Path | str,
    images: Path | str,
    out: Path | str,
    batch_size: int = 32,
    threads: int = 0,
    accelerator: str = "auto",
) -> str:
    """Write the poses of the images in a folder and its subfolders, and return a summary.

    Lines of ``out`` are ``name qw qx qy qz tx ty tz``, world-to-camera as in COLMAP. The checkpoint is a run's
    folder or its localizer.ckpt; see `prepare_device` for the last two arguments.
    """
    device = prepare_device(accelerator, threads)
    read = read_checkpoint(checkpoint)
    data = read.trained_on
    folder = FolderImages(Path(images), data.height, data.width, crop=data.crop)
    localizer = load_localizer(read).to(device)
    names: list[str] = []
    poses: list[Pose] = []
    for query in tqdm(DataLoader(folder, batch_size), "predict", unit="batch"):
        query = localizer.model.with_feature(to(query, device))
        poses.append(localizer.predict(query).poses[-1])
        names += query.name
    write_poses(Path(out), names, joined(poses))
    where = f"{data.name}/{data.scene}, {data.ground_truth} ground truth"
    return f"{len(names)} poses (world-to-camera, in the world of {where}) in {out}"
