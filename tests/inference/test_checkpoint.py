from pathlib import Path

import pytest
import torch
from poses import PLACE, query, random_poses, sequences
from tiny import TINY, config, equal_states

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Sample
from hinted_posenet.inference.build import build_localizer
from hinted_posenet.inference.checkpoint import load_localizer, read_checkpoint, save_checkpoint
from hinted_posenet.inference.localizer import LocalizerModule

OVERRIDES = ["data=seven_scenes", *TINY, "method=hinted_residual", "pool=global"]


def trained(*overrides: str) -> tuple[LocalizerModule, dict]:
    """A localizer that has seen 30 training images, and whose weights are not at their start."""
    plain = config("train", *OVERRIDES, *overrides)
    localizer = build_localizer(plain).eval()
    for parameter in localizer.model.head.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    truth = random_poses(30)
    localizer.fit(truth, torch.randn(30, 112, 1, 1), sequences(30))
    localizer.calibrate(Sample(asked(), random_poses(6)))
    return localizer, plain


def asked():
    return query(6, torch.randn(6, 112, 1, 1, generator=torch.Generator().manual_seed(5)))


def assert_same_answers(a: LocalizerModule, b: LocalizerModule) -> None:
    assert equal_states(a.state_dict(), b.state_dict())
    with torch.no_grad():
        first, second = a.predict(asked()), b.predict(asked())
    for left, right in zip(
        [first.hint.pose, *first.poses], [second.hint.pose, *second.poses], strict=True
    ):
        assert torch.equal(left.t, right.t)
        assert torch.equal(left.q, right.q)


@pytest.mark.parametrize("hint", ["none", "constant", "retrieval"])
@pytest.mark.parametrize("rotation", ["quaternion", "six_d"])
def test_round_trip_answers_alike_bit_for_bit(tmp_path, hint, rotation):
    localizer, plain = trained(
        f"inference_hint={hint}", f"rotation={rotation}", "refinement_steps=3"
    )
    save_checkpoint(tmp_path / "localizer.ckpt", localizer, plain, "key", PLACE)
    read = read_checkpoint(tmp_path)
    assert read.config == plain
    assert read.feature_key == "key"
    loaded = load_localizer(read)
    assert not loaded.training
    assert_same_answers(localizer, loaded)
    assert [path.name for path in tmp_path.iterdir()] == ["localizer.ckpt"]


def test_a_memory_of_another_size_than_an_empty_one_is_loaded(tmp_path):
    localizer, plain = trained("method=hinted_memory", "pool.grid=1")
    save_checkpoint(tmp_path / "localizer.ckpt", localizer, plain, "key", PLACE)
    assert_same_answers(localizer, load_localizer(read_checkpoint(tmp_path)))


def test_a_network_hint_needs_no_other_file(tmp_path):
    first, plain = trained("method=posenet")
    save_checkpoint(tmp_path / "first.ckpt", first, plain, "key", PLACE)
    network = ["inference_hint=network", f"inference_hint.checkpoint={tmp_path / 'first.ckpt'}"]
    localizer, plain = trained(*network)
    save_checkpoint(tmp_path / "second.ckpt", localizer, plain, "key", PLACE)
    (tmp_path / "first.ckpt").unlink()
    assert_same_answers(localizer, load_localizer(read_checkpoint(tmp_path / "second.ckpt")))


def test_holds_nothing_but_plain_values_and_tensors(tmp_path):
    save_checkpoint(tmp_path / "a.ckpt", *trained(), "key", PLACE)
    content = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert set(content) == {"format", "version", "config", "feature_key", "state", "place"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"not a checkpoint at all"),
        lambda path: torch.save({"state_dict": {}}, path),
        lambda path: torch.save([1, 2], path),
        lambda path: torch.save({"format": "hinted_posenet localizer 99"}, path),
        lambda path: torch.save(print, path),
        lambda path: path.unlink(),
    ],
    ids=["half", "empty", "text", "lightning", "list", "future", "code", "missing"],
)
def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path, spoil):
    path = tmp_path / "localizer.ckpt"
    save_checkpoint(path, *trained(), "key", PLACE)
    spoil(path)
    with pytest.raises(InputError, match="checkpoint=") as error:
        read_checkpoint(path)
    assert "\n" not in str(error.value)


def test_a_checkpoint_of_another_version_says_what_to_do(tmp_path):
    path = tmp_path / "localizer.ckpt"
    torch.save({"format": "hinted_posenet localizer 4", "version": "0.1.0", "state": {}}, path)
    with pytest.raises(
        InputError, match=r"by hinted_posenet 0\.1\.0 .*train it again, or use that"
    ):
        read_checkpoint(path)


def test_a_state_that_does_not_fit_its_config_is_one_line(tmp_path):
    localizer, plain = trained()
    plain["head"]["hidden"] = 48
    save_checkpoint(tmp_path / "a.ckpt", localizer, plain, "key", PLACE)
    with pytest.raises(InputError):
        load_localizer(read_checkpoint(tmp_path / "a.ckpt"))


@pytest.mark.parametrize("node", ["backbone", "pool", "head", "rotation", "inference_hint"])
def test_an_evil_target_in_the_config_is_refused(tmp_path, node):
    victim = tmp_path / "victim"
    victim.mkdir()
    localizer, plain = trained()
    evil = {"_target_": "shutil.rmtree", "path": str(victim)}
    plain[node] = {**plain[node], "argument": [evil]}
    save_checkpoint(tmp_path / "a.ckpt", localizer, plain, "key", PLACE)
    with pytest.raises(InputError, match=r"_target_=shutil\.rmtree: refused"):
        load_localizer(read_checkpoint(tmp_path / "a.ckpt"))
    assert victim.is_dir()


def test_an_evil_target_in_the_config_of_a_network_hint_is_refused(tmp_path):
    first, plain = trained("method=posenet")
    save_checkpoint(tmp_path / "first.ckpt", first, plain, "key", PLACE)
    network = ["inference_hint=network", f"inference_hint.checkpoint={tmp_path / 'first.ckpt'}"]
    localizer, plain = trained(*network)
    localizer.inference_hint.config["backbone"] = {
        "_target_": "os.mkdir",
        "path": str(tmp_path / "x"),
    }
    save_checkpoint(tmp_path / "a.ckpt", localizer, plain, "key", PLACE)
    with pytest.raises(InputError, match=r"_target_=os\.mkdir: refused"):
        load_localizer(read_checkpoint(tmp_path / "a.ckpt"))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("content", ["a 1 2\n", "hello world\n", "# name qw qx qy qz\n", ""])
def test_a_text_file_is_no_checkpoint(tmp_path: Path, content: str) -> None:
    file = tmp_path / "poses.txt"
    file.write_text(content)
    with pytest.raises(InputError, match=r"poses\.txt: not readable"):
        read_checkpoint(file)
