"""Export a trained network as ONNX: two graphs that are held against torch, and a card."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hinted_posenet.core.errors import EXTRAS, InputError
from hinted_posenet.core.files import atomic_folder, check_free
from hinted_posenet.inference.checkpoint import read_checkpoint
from hinted_posenet.inference.export_card import card_of, write_card
from hinted_posenet.inference.export_graphs import ANSWER, AnswerGraph, FeatureGraph, exportable
from hinted_posenet.inference.export_onnx import write_graph
from hinted_posenet.inference.export_parity import differences, sample_hints, sample_images
from hinted_posenet.inference.export_settings import CARD, ExportSettings
from hinted_posenet.inference.localizer import prepare_device
from hinted_posenet.inference.locate import Localizer

MOST_APART = 1e-4  # relative


def export_model(settings: ExportSettings, results: Mapping[str, Any] | None = None) -> list[str]:
    """Write a network's graphs and card, and return what was written; ``results`` are those of its run.

    Raises:
        InputError: The folder is taken, there is no checkpoint, its method is no network alone, or the graphs do
            not answer what torch does.
    """
    check_free(settings.out, settings.overwrite, CARD)
    for name in (module for module, extra in EXTRAS.items() if extra == "export"):
        import_module(name)  # torch asks for them only after it has traced a network
    checkpoint = read_checkpoint(settings.run, "run")
    localizer = Localizer(checkpoint, prepare_device("cpu"))
    try:
        network = exportable(localizer.network)
    except InputError as error:
        raise InputError(f"run={settings.run}: {error}") from None
    features = FeatureGraph(network.model)
    answers = AnswerGraph(network, checkpoint.place.offset_m, localizer.takes_hints)
    height, width = localizer.camera.size
    with atomic_folder(settings.out) as folder:
        image = sample_images(2, height, width)
        about = {"name": str(checkpoint.config["name"]), "scene": localizer.name}
        write_graph(folder / "backbone.onnx", features, {"image": image}, ["feature"], about)
        inputs = {"feature": features(image), **sample_hints(answers, 2)}
        write_graph(folder / "head.onnx", answers, inputs, ANSWER, about)
        apart = differences(features, answers, folder, height, width)
        if apart.largest > MOST_APART:
            raise InputError(
                f"run={settings.run}: its graphs differ from torch by {apart.largest:.1e}, expected at most "
                f"{MOST_APART:.0e}; nothing is written, please report it"
            )
        card = card_of(localizer, checkpoint.config, results, apart, settings.licence)
        write_card(folder, card)
        size_mb = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    shown = ", ".join(f"{part} {value:.0e}" for part, value in apart._asdict().items())
    return [
        f"largest difference from torch, relative: {shown}",
        f"written: {settings.out}, {size_mb:.0f} MB, in the world of {localizer.name}",
    ]
