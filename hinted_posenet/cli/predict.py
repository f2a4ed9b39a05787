"""hinted-posenet predict."""

from pathlib import Path

from hinted_posenet.training.settings import Accelerator, Count, NonNegative


def run(
    checkpoint: Path,
    images: Path,
    out: Path,
    batch_size: Count,
    threads: NonNegative,
    accelerator: Accelerator,
) -> None:
    """Write poses for a folder of images."""
    from hinted_posenet.inference.predict import predict_folder

    print(predict_folder(checkpoint, images, out, batch_size, threads, accelerator))
