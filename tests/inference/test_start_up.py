import subprocess
import sys

import pytest

# of training, of reports, or of a single backbone
HEAVY = ["pytorch_lightning", "torchmetrics", "torchvision", "timm", "matplotlib", "scipy.stats"]


@pytest.mark.parametrize("engine", ["predict", "locate"])
def test_asking_a_network_imports_nothing_that_only_training_needs(engine):
    code = f"import sys, hinted_posenet.inference.{engine}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(done.stdout.split())
