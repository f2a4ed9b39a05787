import numpy as np
import pytest

from hinted_posenet.core.errors import InputError
from hinted_posenet.show.relief import BLOCK_PX, read_relief
from hinted_posenet.simulator.world import Window

from .conftest import SUMMER, quarter_of, quarters, slope_m


def test_at_full_resolution_it_is_the_world() -> None:
    world = quarters()
    relief = read_relief(world, "summer", vertices=10**6, photo_px=10**6)
    everything = Window(0, 0, 256, 320)
    assert (relief.heights_m == world.surface(everything)).all()
    assert (relief.photo == world.photo(everything, SUMMER)).all()
    assert relief.bounds == world.bounds
    assert relief.step_m == (4.0, 4.0) and relief.photo_px_m == 1.0


@pytest.mark.parametrize("vertices", [20, 300, 1000])
def test_a_stride_thins_nodes_but_moves_none(vertices: int) -> None:
    relief = read_relief(quarters(), vertices=vertices)
    assert relief.heights_m.size <= (vertices**0.5 + 2) ** 2
    nodes = relief.nodes()
    np.testing.assert_allclose(nodes[..., 2], slope_m(nodes[..., 0], nodes[..., 1]), atol=1e-3)
    assert nodes[0, 0, :2].tolist() == [-160, 128] and nodes[-1, -1, :2].tolist() == [160, -128]


def test_colours_of_vertices_are_finer_than_a_coarse_surface() -> None:
    coloured = read_relief(quarters(), vertices=50_000)
    assert coloured.step_m == (2.0, 2.0)
    nodes = coloured.nodes()
    np.testing.assert_allclose(nodes[..., 2], slope_m(nodes[..., 0], nodes[..., 1]), atol=1e-4)
    assert read_relief(quarters(), vertices=50_000, photo_px=100).step_m == (4.0, 4.0)


def test_a_part_may_lie_between_nodes() -> None:
    area_m = [-33.0, -21.0, 50.0, 14.0]
    relief = read_relief(quarters(), area_m=area_m)
    assert list(relief.bounds) == area_m
    nodes = relief.nodes()
    np.testing.assert_allclose(nodes[..., 2], slope_m(nodes[..., 0], nodes[..., 1]), atol=1e-4)


def test_colours_are_those_of_the_place() -> None:
    relief = read_relief(quarters(), area_m=[-63.0, -41.0, 70.0, 54.0], photo_px=40)
    for x_m, y_m in [(-50.0, 30.0), (50.0, 30.0), (-50.0, -30.0), (65.0, -35.0)]:
        colour = relief.colours(np.array([[x_m]]), np.array([[y_m]]))
        np.testing.assert_allclose(colour[0, 0], quarter_of(x_m, y_m), atol=2)


def test_a_vast_world_is_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    world, read = quarters(4 * BLOCK_PX, 3 * BLOCK_PX), list[Window]()

    def spied(name: str) -> None:
        inner = getattr(world, name)
        monkeypatch.setattr(
            world, name, lambda window, *a: read.append(window) or inner(window, *a)
        )

    spied("photo")
    spied("surface")
    relief = read_relief(world, vertices=2000)
    assert len(read) >= 2 * 12
    assert max(window.rows * window.cols for window in read) <= (BLOCK_PX + 8) ** 2
    nodes = relief.nodes()
    np.testing.assert_allclose(nodes[..., 2], slope_m(nodes[..., 0], nodes[..., 1]), atol=0.01)


@pytest.mark.parametrize(
    "area_m", [[0, 0, 500, 100], [10, 10, 10, 50], [50, 0, 0, 50], [0, 0, 5], [-161, 0, 5, 5]]
)
def test_an_area_that_is_not_within_the_world_is_refused(area_m: list[float]) -> None:
    with pytest.raises(InputError, match=r"what.area_m.*-160.0, -128.0, 160.0, 128.0"):
        read_relief(quarters(), area_m=area_m)


def test_an_unknown_season_names_those_there_are() -> None:
    with pytest.raises(InputError, match=r"summer.*winter"):
        read_relief(quarters(), "spring")
