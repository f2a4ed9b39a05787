import pytest
from pytorch_lightning.loggers import wandb
from tiny import Workspace

from hinted_posenet.core.errors import InputError
from hinted_posenet.training.parts import WandbRun

GIVEN = {"project": "hinted_posenet", "name": "posenet", "offline": True}


def test_without_the_package_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(wandb, "_WANDB_AVAILABLE", False)
    with pytest.raises(InputError, match=r"pip install 'hinted_posenet\[wandb\]'"):
        Workspace(tmp_path).train("method=posenet", "logger=wandb")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    "before, version",
    [
        ([], None),
        (["run-20250101_120000-abc"], "abc"),
        (["offline-run-20250101_120000-xyz"], "xyz"),
    ],
)
def test_a_resumed_training_goes_on_in_its_run(tmp_path, monkeypatch, before, version):
    monkeypatch.setattr(wandb, "_WANDB_AVAILABLE", True)
    for name in before:
        (tmp_path / "wandb" / name).mkdir(parents=True)
    assert WandbRun(str(tmp_path), **GIVEN).version == version
