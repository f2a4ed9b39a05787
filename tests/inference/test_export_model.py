"""export-model: onnxruntime answers as torch does, a card, an example without torch, no half folder."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from poses import query, random_poses, sequences
from tiny import HEADS, OneConvolution, small_checkpoint

from hinted_posenet.core.types import Hint, Sample
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.inference import export_model as module
from hinted_posenet.inference.export_graphs import ANSWER, AnswerGraph, FeatureGraph, exportable
from hinted_posenet.inference.export_onnx import write_graph
from hinted_posenet.inference.export_parity import (
    Differences,
    differences,
    sample_hints,
    sample_images,
)
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.locate import load
from hinted_posenet.models.encoding import Quaternion
from hinted_posenet.models.heads.cross_attention import CrossAttentionHead
from hinted_posenet.models.heads.hinted_fusion import HintedFusionHead
from hinted_posenet.models.heads.hinted_gated import HintedGatedHead
from hinted_posenet.models.heads.hinted_memory import HintedMemoryHead
from hinted_posenet.models.posenet import GridPool, PoseNet

EXAMPLE = Path(__file__).parents[2] / "examples" / "onnx_localize.py"
OTHERS = {
    "fusion": partial(HintedFusionHead, hidden=16, dropout=0.2, components=4, background=0.05),
    "memory": partial(HintedMemoryHead, width=8, hidden=16, neighbours=4),
    "gated": partial(HintedGatedHead, hidden=16, dropout=0.2, embedding=8),
    "cross_attention": partial(CrossAttentionHead, width=16, hidden=16, dropout=0.2),
}


def trained(head: str) -> LocalizerModule:
    """A localizer with random weights that has seen a training and a validation set."""
    torch.manual_seed(0)
    made = partial((HEADS | OTHERS)[head], rotation=Quaternion())
    model = PoseNet(OneConvolution(), GridPool(2), made, refinement_steps=2)
    localizer = LocalizerModule(model, RetrievalHint()).eval()
    for parameter in model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    seen = random_poses(40), torch.rand(40, 8, 2, 2), sequences(40, of=3)
    localizer.fit(*seen)
    localizer.uncertainty.fit(*seen, localizer.model.frame.scale_m)
    localizer.calibrate(Sample(query(40, torch.rand(40, 8, 2, 2)), random_poses(40, seed=9)))
    return localizer


@pytest.mark.parametrize(
    "head",
    [
        "residual",
        *(pytest.param(h, marks=pytest.mark.slow) for h in ("plain", "embedding", *OTHERS)),
    ],
)
def test_graphs_answer_as_torch(tmp_path: Path, head: str) -> None:
    network = exportable(trained(head))
    features = FeatureGraph(network.model)
    answers = AnswerGraph(network, torch.tensor([1e5, 2e5, 0.0]), takes_hints=head != "plain")
    image = sample_images(2, 32, 32)
    inputs = {"feature": features(image), **sample_hints(answers, 2)}
    write_graph(tmp_path / "backbone.onnx", features, {"image": image}, ["feature"], {})
    write_graph(tmp_path / "head.onnx", answers, inputs, ANSWER, {"name": head})
    assert differences(features, answers, tmp_path, 32, 32).largest < 1e-4


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_checkpoint(tmp_path_factory.mktemp("run"), "method=hinted_residual")


@pytest.mark.slow
def test_an_image_is_localized_without_torch(here, run: Path, tmp_path: Path) -> None:
    done = here("export-model", run, "out=exported", "licence=CC-BY-4.0")
    assert done.returncode == 0, done.stderr
    assert "largest difference from torch, relative: feature" in done.stdout
    assert "written: exported" in done.stdout
    folder = tmp_path / "exported"
    files = {path.name for path in folder.iterdir()}
    assert files == {"backbone.onnx", "head.onnx", "card.json", "README.md"}
    card = json.loads((folder / "card.json").read_text())
    assert card["licence"] == "CC-BY-4.0"
    assert card["image"]["height"] == card["image"]["width"] == 64
    assert card["world"]["origin"]["latitude_deg"] == 46.5
    assert card["hint"] == {"taken": True, "without_one": "retrieval"}
    assert "CC-BY-4.0" in (folder / "README.md").read_text()

    pixels = sample_images(1, 64, 64)[0].numpy()
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    hint = Hint.from_position([1.0, 2.0, 3.0], 2.0)
    wanted = load(run, "cpu").locate(pixels, hint=hint)
    code = (
        "import runpy, sys; sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "assert not {'torch', 'hinted_posenet'} & set(sys.modules)"
    )
    words = [EXAMPLE, folder, "photo.png", "--position", "1", "2", "3", "--sigma", "2"]
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    position_m = np.array(done.stdout.split()[1:4], dtype=float)
    np.testing.assert_allclose(position_m, wanted.pose.t, atol=2e-3)
    assert len(EXAMPLE.read_text().splitlines()) <= 60

    again = here("export-model", run, "out=exported")
    assert again.returncode == 1 and "overwrite=true" in again.stderr


def test_a_killed_export_leaves_no_folder(here, run: Path, tmp_path: Path, monkeypatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "write_graph", killed)
    assert here("export-model", run, "out=exported").returncode == 1
    assert not list(tmp_path.glob("*exported*"))


def test_graphs_that_answer_otherwise_are_not_written(here, run, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "write_graph", lambda path, *_: path.touch())
    monkeypatch.setattr(module, "differences", lambda *_: Differences(0.0, 0.1, 0.0, 0.0, 0.0))
    done = here("export-model", run, "out=exported")
    assert done.returncode == 1
    assert "differ from torch by 1.0e-01, expected at most 1e-04" in done.stderr
    assert not list(tmp_path.glob("*exported*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["taken", "out=exported"], "run=taken: holds no localizer.ckpt"),
        (["absent", "out=exported"], "run=absent"),
        (["absent", "out=taken"], "taken: exists already"),
        (
            ["absent", "out=taken", "overwrite=true"],
            "taken: is not an export (it has no card.json)",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(here, tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "taken").mkdir()
    done = here("export-model", *words)
    assert done.returncode != 0 and done.stderr.count("\n") == 1
    assert told in done.stderr
