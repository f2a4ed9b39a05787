import torch
from poses import query, random_poses, sequences
from tiny import small_localizer

from hinted_posenet.hints.network import NetworkHint


def test_gives_the_answer_of_its_localizer_with_the_measured_sigma():
    localizer = small_localizer("plain").eval()
    localizer.model.step_sigma_t_m.fill_(0.25)
    localizer.model.step_sigma_r_rad.fill_(0.05)
    asked = query(6)
    source = NetworkHint(localizer, "key", {})
    with torch.no_grad():
        hint = source.at_inference(asked, asked.feature)
        expected = localizer.predict(asked).poses[-1]
    assert torch.equal(hint.pose.t, expected.t)
    assert torch.equal(hint.pose.q, expected.q)
    assert hint.sigma_t_m.tolist() == [0.25] * 6
    assert torch.allclose(hint.sigma_r_rad, torch.full((6,), 0.05))


def test_never_trains():
    source = NetworkHint(small_localizer("plain"), "key", {})
    torch.nn.Sequential(source).train()
    assert not any(module.training for module in source.localizer.modules())
    assert not any(parameter.requires_grad for parameter in source.parameters())
    source.fit(random_poses(3), torch.empty(3, 1), sequences(3))  # the scene's poses do not move it
    assert source.localizer.model.frame.scale_m == 1


def test_works_inside_another_localizer():
    outer = small_localizer(
        "residual", inference_hint=NetworkHint(small_localizer("plain"), "", {})
    )
    outer.eval()
    asked = query(6)
    with torch.no_grad():
        prediction = outer.predict(asked)
        expected = outer.inference_hint.localizer.predict(asked).poses[-1]
    assert torch.equal(prediction.hint.pose.t, expected.t)
