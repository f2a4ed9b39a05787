import pytest
import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.data.images import center_crop

K = torch.tensor([[30.0, 0, 16.5], [0, 28.0, 11.0], [0, 0, 1]])


@pytest.mark.parametrize(("height", "width"), [(24, 33), (10, 15), (11, 14), (1, 1)])
def test_what_is_cropped_keeps_its_bits_and_its_rays(height: int, width: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(24), torch.arange(33), indexing="ij")
    image = torch.stack(
        [columns + 0.5, rows + 0.5, torch.ones(24, 33)]
    )  # of each pixel: where it is
    cropped, K_new = center_crop(image, K, height, width)
    assert cropped.shape == (3, height, width)
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    u = torch.stack([columns + 0.5, rows + 0.5, torch.ones(height, width)])
    ray, ray_new = (
        torch.einsum("ij,jhw->ihw", k.inverse(), p) for k, p in ((K, cropped), (K_new, u))
    )
    torch.testing.assert_close(ray_new, ray)
    before, after = cropped[:2, 0, 0] - 0.5, image[:2, -1, -1] - cropped[:2, -1, -1]
    assert (before - after).abs().max() <= 1  # from the middle


def test_a_batch_and_bytes_are_cropped_alike() -> None:
    image = torch.arange(2 * 3 * 6 * 8, dtype=torch.uint8).reshape(2, 3, 6, 8)
    cropped, K_new = center_crop(image, K.expand(2, 3, 3), 4, 4)
    assert torch.equal(cropped, image[:, :, 1:5, 2:6])
    assert torch.equal(K_new[1, :2, 2], K[:2, 2] - torch.tensor([2.0, 1.0]))


@pytest.mark.parametrize(("height", "width"), [(25, 10), (10, 34), (0, 3)])
def test_a_crop_that_does_not_fit_is_refused(height: int, width: int) -> None:
    with pytest.raises(InputError, match=r"crop=\[.*24 rows and 33 columns"):
        center_crop(torch.zeros(3, 24, 33), K, height, width)
