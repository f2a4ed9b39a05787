import torch

from hinted_posenet.models.posenet import GridPool


def test_grid_of_three_keeps_the_layout():
    feature = torch.zeros(1, 2, 6, 9)
    feature[0, 1, 2:4, 6:9] = 5.0
    pooled = GridPool(3)(feature)
    expected = torch.zeros(1, 2, 3, 3)
    expected[0, 1, 1, 2] = 5.0
    assert torch.equal(pooled, expected)
    assert GridPool(3).grid == 3


def test_grid_of_one_is_the_global_mean():
    feature = torch.randn(2, 4, 5, 7)
    torch.testing.assert_close(GridPool(1)(feature)[..., 0, 0], feature.mean(dim=(2, 3)))
    assert GridPool(1).grid == 1
