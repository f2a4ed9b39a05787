"""The card of an exported network: what to feed its graphs, what they answer, and how good that is."""

import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from hinted_posenet.data.dataset_card import dataset_card_names, read_dataset_card
from hinted_posenet.inference.export_graphs import ANSWER, HINT
from hinted_posenet.inference.export_parity import Differences
from hinted_posenet.inference.locate import Localizer

FORMAT = "hinted_posenet onnx 1"
PACKAGES = ("hinted_posenet", "torch", "onnx", "onnxruntime")
OWN_LICENCE = "Apache-2.0"
INPUTS = {
    "image": "uint8 (B, height, width, 3), RGB, of the size and field of view under image",
    "feature": "float32 (B, C, G, G), what backbone.onnx answers",
    HINT[0]: "float64 (B, 3), camera center in the world, metres",
    HINT[1]: "float64 (B, 4), rotation from camera to world as (w, x, y, z)",
    HINT[
        2
    ]: "float64 (B, 6, 6), of the position along the world's axes in square metres, then of a small rotation "
    "about the world's axes in square radians; infinite variances, and zeros beside them, for what is not known, "
    "and in all six for no hint",
}
OUTPUTS = {
    "feature": "float32 (B, C, G, G)",
    ANSWER[0]: "float64 (B, 3), as of the hint",
    ANSWER[1]: "float64 (B, 4), as of the hint",
    ANSWER[
        2
    ]: "float64 (B, 6, 6), as of the hint, calibrated: its 95 % ellipsoid holds 95 % of validation images",
    ANSWER[
        3
    ]: "float32 (B,), above 1 the image may show another place; nan where that was not measured",
}


def card_of(
    localizer: Localizer,
    config: Mapping[str, Any],
    results: Mapping[str, Any] | None,
    measured: Differences,
    licence: str | None,
) -> dict[str, Any]:
    """Return the content of card.json; ``results`` are those of the run, None if there are none."""
    camera, data = localizer.camera, config["data"]
    origin = localizer.origin
    center_m, size_m = localizer.extent
    hints = HINT if localizer.takes_hints else ()
    return {
        "format": FORMAT,
        "name": config["name"],
        "method": config["head"]["_target_"].rpartition(".")[2],
        "data": {key: data[key] for key in ("name", "scene", "ground_truth")},
        "licence": licence or f"{OWN_LICENCE}; {_licence_of(data['name'])}",
        "graphs": {
            "backbone.onnx": {
                "inputs": {"image": INPUTS["image"]},
                "outputs": {"feature": OUTPUTS["feature"]},
            },
            "head.onnx": {
                "inputs": {name: INPUTS[name] for name in ("feature", *hints)},
                "outputs": {name: OUTPUTS[name] for name in ANSWER},
            },
        },
        "image": {
            "height": camera.size[0],
            "width": camera.size[1],
            "resized_to": [camera.height, camera.width],
            "crop": None if camera.crop is None else list(camera.crop),
            "aspect": camera.aspect,
            "K": camera.K.tolist(),
        },
        "world": {
            "pose": "T_world_cam, camera axes as OpenCV: x right, y down, z forward",
            "center_m": center_m.tolist(),
            "size_m": size_m,
            "origin": None if origin is None else origin._asdict(),
        },
        "hint": {"taken": localizer.takes_hints, "without_one": localizer.own_hint},
        "certain_sigma_m": localizer.certain_sigma_m,
        "scores": _scores(results),
        "largest_difference_from_torch": measured._asdict(),
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
    }


def readme_of(card: Mapping[str, Any]) -> str:
    """Return the card in prose, README.md of the folder."""
    data, scores = card["data"], card["scores"]
    without = card["hint"]["without_one"]
    hint = (
        f"Hints are taken. Without one the answer starts from the network's own source: {without}."
        if card["hint"]["taken"]
        else "The network takes no hints."
    )
    lines = [
        f"| {row['group']} | {row['frames']} | {row['median_t_m']:.3g} m | {row['median_r_deg']:.3g}° |"
        for row in scores["rows"]
    ]
    oracle = " Its hints were made from the labels (oracle)." if scores["oracle"] else ""
    return "\n\n".join(
        [
            f"# {card['name']} for {data['scene']}",
            f"{card['method']} of hinted_posenet {card['versions']['hinted_posenet']}, trained on {data['scene']} "
            f"of {data['name']} with the ground truth {data['ground_truth']}. It localizes images of this one "
            f"place. {hint}",
            f"Licence: {card['licence']}.",
            *(_graph_table(file, graph) for file, graph in card["graphs"].items()),
            f"## Image\n\n{_image_policy(card['image'])}",
            f"## World\n\n{_world(card)}",
            f"## Results\n\nMedian errors on the split {scores['split']}.{oracle}\n\n"
            + "\n".join(
                ["| frames | | position | rotation |", "| --- | ---: | ---: | ---: |", *lines]
            ),
            "Numbers for programs are in card.json.\n",
        ]
    )


def _graph_table(file: str, graph: Mapping[str, Mapping[str, str]]) -> str:
    rows = [
        f"| `{name}` | {side[:-1]} | {what} |"
        for side, named in graph.items()
        for name, what in named.items()
    ]
    return "\n".join([f"## {file}\n", "| name | | what |", "| --- | --- | --- |", *rows])


def _image_policy(image: Mapping[str, Any]) -> str:
    height, width = image["resized_to"]
    crop = image["crop"]
    cropped = f", and the middle {crop[1]} x {crop[0]} is kept" if crop else ""
    return (
        f"Lens distortion is removed, and the whole image is resized to {width} x {height} pixels (shrinking "
        f"averages){cropped}. That needs the field of view of the training images: the matrix of the result is "
        f"K = {image['K']}, the center of the top-left pixel being at (0.5, 0.5). Images of another camera are "
        "first resampled to it by the homography of their two matrices."
    )


def _world(card: Mapping[str, Any]) -> str:
    world = card["world"]
    origin = world["origin"]
    earth = "not known" if origin is None else ", ".join(f"{k} {v}" for k, v in origin.items())
    return (
        f"Poses are {world['pose']}. Training images are within {world['size_m']:.4g} m around "
        f"{[round(part, 3) for part in world['center_m']]}; the graph does not check hints. Place "
        f"on Earth of the world's origin: {earth}. An answer whose position is less certain than "
        f"{card['certain_sigma_m']:.3g} m (root mean square over the axes) is less certain than those of 99 % of "
        "the validation images."
    )


def _scores(results: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return split, and the last refinement step's frames and medians of every group."""
    if results is None:
        return {"split": "-", "oracle": False, "rows": []}
    networks = [row for row in results["rows"] if row["role"] == "network"]
    last = max((row["step"] or 0 for row in networks), default=0)
    keys = ("group", "frames", "median_t_m", "median_r_deg")
    rows = [{key: row.get(key) for key in keys} for row in networks if (row["step"] or 0) == last]
    return {"split": results["split"], "oracle": results["oracle"], "rows": rows}


def _licence_of(name: str) -> str:
    """Return what the card of a data set says of its licence."""
    if name in dataset_card_names():
        return f"training data: {read_dataset_card(name).licence}"
    return "the licence of the training data applies too"


def write_card(folder: Path, card: Mapping[str, Any]) -> None:
    """Write card.json and README.md."""
    from hinted_posenet.core.files import write_json, write_text
    from hinted_posenet.inference.export_settings import CARD

    write_json(folder / CARD, dict(card), indent=1)
    write_text(folder / "README.md", readme_of(card))
