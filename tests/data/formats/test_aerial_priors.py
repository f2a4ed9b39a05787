"""Priors of an aerial data set reach the query, and caches notice them."""

from pathlib import Path

import fakes
import pytest
import tiny
import torch

from hinted_posenet.cli.verb import call
from hinted_posenet.data.formats import aerial
from hinted_posenet.data.posed_images import PosedImages
from hinted_posenet.data.splits import views_key
from hinted_posenet.hints.prior import PriorHint


def test_priors_reach_the_query_and_the_cache_key(tmp_path: Path) -> None:
    fakes.write_aerial(tmp_path, priors=True)
    views = aerial.read_views(tmp_path, "prairie", "train")
    sample = PosedImages(views, 48, 64)[1]
    hint = PriorHint().at_inference(sample.query, torch.empty(0))
    torch.testing.assert_close(hint.pose, sample.T_world_cam)
    assert hint.sigma_t_m.item() == pytest.approx(0.1)
    assert hint.sigma_r_rad.rad2deg().item() == pytest.approx(1)
    assert views[1].time_s == 1
    without = [view._replace(prior=None) for view in views]
    bent = [view._replace(distortion=(0.1, 0.0, 0.0, 0.0, 0.0)) for view in views]
    assert len({views_key(views), views_key(without), views_key(bent)}) == 3


def test_a_prior_of_the_data_set_starts_a_hinted_network(tmp_path: Path) -> None:
    fakes.write_aerial(tmp_path / "aerial", priors=True)
    fakes.draw(tmp_path / "aerial" / "prairie" / "map.jpg", fakes.camera(0, 0))
    place = tiny.Workspace(tmp_path)
    chosen = ["method=hinted_residual", "inference_hint=prior", "data.scene=prairie"]
    root = f"data.root={tmp_path / 'aerial'}"
    plain = tiny.config("train", "data=aerial", root, *place.paths, *tiny.TINY, *chosen)
    call("train", plain)
    run = Path(plain["paths"]["run"])
    errors_m = [float(value) for (value,) in tiny.poses(run, "error_t_m", "hint")]
    assert len(errors_m) == 4
    assert max(errors_m) < 1e-5  # the fake priors are the truth
