import os
from pathlib import Path

import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.inference.build import build
from hinted_posenet.inference.slots import SLOTS
from hinted_posenet.models.posenet import GridPool

POOL = "hinted_posenet.models.posenet.GridPool"


def test_builds_what_the_package_defines():
    assert isinstance(build({"_target_": POOL, "grid": 2}, "pool"), GridPool)
    assert build({"_target_": POOL}, "pool", grid=4).grid == 4
    optimizer = build({"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1}, "optimizer")
    assert optimizer([torch.nn.Parameter(torch.zeros(1))]).defaults["lr"] == 0.1


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.exec",
        "subprocess.run",
        "shutil.rmtree",
        "torch.load",
        "torch.hub.load",
        "hydra.utils.instantiate",
        "hinted_posenetevil.run",
        "torch.optimevil.run",
        # start well, but are defined elsewhere
        "hinted_posenet.training.train.shutil.rmtree",
        "hinted_posenet.evaluation.write_run.os.system",
        "hinted_posenet.evaluation.write_run.subprocess.run",
        "hinted_posenet.inference.build.hydra.utils.instantiate",
        "hinted_posenet.inference.checkpoint.torch.load",
        "hinted_posenet.inference.checkpoint.pickle.loads",
        "pytorch_lightning.trainer.trainer.os.system",
        "",
    ],
)
def test_refuses_foreign_targets_wherever_they_stand(target, tmp_path):
    victim = tmp_path / "victim"
    victim.mkdir()
    evil = {"_target_": target, "_args_": [str(victim)]}
    for node in (
        evil,
        {"_target_": POOL, "grid": evil},
        {"_target_": POOL, "grid": {"deep": [1, [2, {"er": evil}]]}},
        {"no_target": {"here": evil}},
        {"_target_": POOL, "_args_": [evil]},
    ):
        for slot in SLOTS:
            with pytest.raises(InputError, match="_target_"):
                build(node, slot)
    assert victim.is_dir()


class Code:
    """Unpickling this leaves a folder behind."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_refuses_what_unpickles_code_inside_a_trusted_package(tmp_path):
    """pytorch_lightning holds functions that load any file, even from the network, with its code."""
    torch.save(Code(tmp_path / "trace"), tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match="refused"):
        build(
            {
                "_target_": "pytorch_lightning.core.saving._load_from_checkpoint",
                "cls": None,
                "checkpoint_path": str(tmp_path / "evil.ckpt"),
                "weights_only": False,
            },
            "trainer",
        )
    assert not (tmp_path / "trace").exists()


def test_refuses_our_own_functions_that_delete_folders(tmp_path):
    run = tmp_path / "precious"
    run.mkdir()
    (run / "config.yaml").write_text("name: precious\n")
    config = {"paths": {"run": str(run)}, "overwrite": True, "resume": False}
    with pytest.raises(InputError, match="refused"):
        build({"_target_": "hinted_posenet.training.train.train", "config": config}, "head")
    assert (run / "config.yaml").is_file()


@pytest.mark.parametrize(
    "value",
    [
        "${oc.create:{_target_:logging.FileHandler,filename:'%s',mode:w}}",
        "${oc.decode:'{_target_:logging.FileHandler,filename:\"%s\",mode:w}'}",
    ],
)
def test_refuses_targets_that_an_interpolation_brings(value, tmp_path):
    """A checkpoint's config is plain strings; what they resolve to must not be built unseen."""
    victim = tmp_path / "notes.txt"
    victim.write_text("precious")
    with pytest.raises(InputError):
        build({"_target_": POOL, "grid": value % victim}, "pool")
    assert victim.read_text() == "precious"


def test_interpolations_do_not_read_the_environment(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_USER", "7")
    with pytest.raises(InputError):
        build({"_target_": POOL, "grid": "${oc.env:SECRET_OF_THE_USER}"}, "pool")


@pytest.mark.parametrize(
    ("node", "slot", "words"),
    [
        ({"_target_": POOL, "gird": 3}, "pool", ["GridPool", "gird"]),
        ({"_target_": "hinted_posenet.models.posenet.GridPol"}, "pool", ["GridPol"]),
        ({"_target_": "hinted_posenet.no_such_module.Thing"}, "head", ["no_such_module"]),
        ({"_target_": "torch.optim.Adamm"}, "optimizer", ["Adamm"]),
        (None, "head", ["head", "_target_"]),
    ],
)
def test_a_mistake_is_one_line_that_names_the_key(node, slot, words):
    with pytest.raises(InputError) as error:
        build(node, slot)
    assert all(word in str(error.value) for word in words)
    assert "\n" not in str(error.value)


def test_an_input_error_inside_arrives_as_it_was():
    node = {
        "_target_": "hinted_posenet.models.backbones.torchvision.TorchvisionBackbone",
        "name": "x",
    }
    with pytest.raises(InputError, match=r"^backbone\.name=x: choose one of"):
        build(node, "backbone")
