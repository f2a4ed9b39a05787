"""Localize an image with onnxruntime and numpy alone, without torch and without this package.

    hinted-posenet export-model runs/aerial/small_village/hinted_residual/seed-0 out=exported
    python examples/onnx_localize.py exported photo.jpg --position 12 -3 80 --sigma 5

The image has the field of view of the training images. OpenCV decodes and resizes.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime


def main() -> None:
    """Print the pose of the image and how certain it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of export-model")
    parser.add_argument("image")
    parser.add_argument("--position", type=float, nargs=3, help="roughly known, metres")
    parser.add_argument("--sigma", type=float, default=10.0, help="of the position, metres")
    given = parser.parse_args()
    card = json.loads((given.folder / "card.json").read_text())
    backbone, head = (
        onnxruntime.InferenceSession(given.folder / name) for name in ("backbone.onnx", "head.onnx")
    )
    (feature,) = backbone.run(None, {"image": pixels(given.image, card["image"])[None]})
    inputs = {"feature": feature}
    if card["hint"]["taken"]:
        variance = np.full(6, np.inf)  # nothing is known
        if given.position:
            variance[:3] = given.sigma**2
        inputs["hint_position_m"] = np.array([given.position or (0.0, 0.0, 0.0)])
        inputs["hint_quaternion_wxyz"] = np.array([[1.0, 0.0, 0.0, 0.0]])
        inputs["hint_covariance"] = np.diag(variance)[None]
    position_m, quaternion, covariance, out_of_map = (part[0] for part in head.run(None, inputs))
    sigma = np.sqrt(np.diag(covariance))
    print("position_m", *position_m.round(3), "sigma_m", *sigma[:3].round(3))
    print("quaternion_wxyz", *quaternion.round(5), "sigma_deg", *np.degrees(sigma[3:]).round(3))
    print("outside the map" if out_of_map > 1 else "within the map")


def pixels(path: str, wanted: dict[str, Any]) -> cv2.typing.MatLike:
    """Return an image as the network takes it, RGB (H, W, 3) uint8."""
    image = cv2.imread(path)
    assert image is not None, f"{path}: cannot be read"
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    height, width = wanted["resized_to"]
    how = cv2.INTER_AREA if image.shape[0] >= height else cv2.INTER_LINEAR
    image = cv2.resize(image, (width, height), interpolation=how)
    top, left = (height - wanted["height"]) // 2, (width - wanted["width"]) // 2
    return image[top : top + wanted["height"], left : left + wanted["width"]]


if __name__ == "__main__":
    main()
