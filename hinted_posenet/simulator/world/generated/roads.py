"""Roads: the network between places, as straight segments that are drawn by distance."""

import itertools
import math
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay, cKDTree

from hinted_posenet.simulator.world import Bounds, Cover, PixelGrid, Raster, Window
from hinted_posenet.simulator.world.generated.places import Place, PlaceKind
from hinted_posenet.simulator.world.generated.relief import Relief

Points = NDArray[np.float64]  # (n, 2) east and north in metres

MAIN_WIDTH_M, ROAD_WIDTH_M, TRACK_WIDTH_M = 10.0, 6.5, 3.5
BENDS = (0.04, 0.07, 0.1, 0.15, 0.2)  # share of their length by which lines swing to the sides
TRIES = 6  # lines of every bend
STEP_M = 25.0
WATER_COST = 12.0  # of a metre of bridge, in metres of road
CLIMB_COST = 25.0  # of a metre of height


class Segments(NamedTuple):
    """n straight pieces of lines."""

    start_m: Points
    end_m: Points
    half_width_m: NDArray[np.float64]  # (n,)
    kind: NDArray[np.uint8]  # (n,) Cover codes

    @staticmethod
    def of(lines: list[tuple[Points, float, int]]) -> "Segments":
        """Split polylines with a width in metres and a cover each."""
        kept = [line for line in lines if len(line[0]) > 1]
        counts = [len(line) - 1 for line, _, _ in kept]
        return Segments(
            np.concatenate([np.zeros((0, 2)), *(line[:-1] for line, _, _ in kept)]),
            np.concatenate([np.zeros((0, 2)), *(line[1:] for line, _, _ in kept)]),
            np.repeat([0.5 * width for _, width, _ in kept], counts),
            np.repeat(np.array([kind for _, _, kind in kept], np.uint8), counts),
        )

    def near(self, bounds: Bounds, reach_m: float) -> "Segments":
        """Return the segments whose box comes within a distance of `bounds`."""
        low, high = np.minimum(self.start_m, self.end_m), np.maximum(self.start_m, self.end_m)
        reach = self.half_width_m + reach_m
        inside = (
            (high[:, 0] + reach > bounds.xmin)
            & (low[:, 0] - reach < bounds.xmax)
            & (high[:, 1] + reach > bounds.ymin)
            & (low[:, 1] - reach < bounds.ymax)
        )
        return self.chosen(inside)

    def chosen(self, which: NDArray[np.bool_]) -> "Segments":
        """Select segments by a mask (n,)."""
        parts: list[Any] = [part[which] for part in self]
        return Segments(*parts)

    def joined(self, other: "Segments") -> "Segments":
        """Return these segments and then the other ones."""
        pairs: Any = zip(self, other, strict=True)
        return Segments(*map(np.concatenate, pairs))


def distance_m(segments: Segments, pixel_grid: PixelGrid, window: Window, reach_m: float) -> Raster:
    """Return the distance (rows, cols) from pixel centers to the edge of the nearest segment.

    It is negative inside and at most `reach_m`; each pixel's value is the same in every window.
    """
    distance: Raster = np.full((window.rows, window.cols), reach_m, np.float32)
    x, y = pixel_grid.axes(window)
    near = segments.near(pixel_grid.bounds_of(window), reach_m)
    for (x0, y0), (x1, y1), half_width, _ in zip(*near, strict=True):
        reach = half_width + reach_m
        left, right = np.searchsorted(x, [min(x0, x1) - reach, max(x0, x1) + reach])
        # y falls with the row
        top, bottom = np.searchsorted(-y, [-max(y0, y1) - reach, -min(y0, y1) + reach])
        east, north = x[None, left:right] - x0, y[top:bottom, None] - y0
        dx, dy = x1 - x0, y1 - y0
        along = np.clip((east * dx + north * dy) / max(dx * dx + dy * dy, 1e-9), 0.0, 1.0)
        from_edge = np.hypot(east - along * dx, north - along * dy) - half_width
        box = distance[top:bottom, left:right]
        np.minimum(box, from_edge.astype(np.float32), out=box)
    return distance


class Road(NamedTuple):
    """The road between two places, by number; its line (n, 2) in metres begins at the first."""

    start: int
    end: int
    line_m: Points
    width_m: float
    cover: Cover


class Link(NamedTuple):
    """Two places, by number, and the width of the road between them."""

    start: int
    end: int
    width_m: float


def build_roads(relief: Relief, places: list[Place], seed: int) -> list[Road]:
    """Build all roads between the places."""
    roads = []
    for start, end, width_m in link_places(places):
        pair = places[start], places[end]
        generator = np.random.default_rng([seed, zlib.crc32(b"road"), *(p.seed for p in pair)])
        line_m = _route(relief, *pair, generator)
        cover = Cover.TRACK if width_m == TRACK_WIDTH_M else Cover.ROAD
        roads.append(Road(start, end, line_m, width_m, cover))
    return roads


def roads_at(
    roads: list[Road], number: int, place: Place, cover: Cover
) -> list[tuple[Points, float]]:
    """Return lines of one cover from the center of a place to its edge, and their widths."""
    found = []
    for road in roads:
        if number in (road.start, road.end) and road.cover == cover:
            line = road.line_m if road.start == number else road.line_m[::-1]
            far = np.hypot(*(line - [place.x_m, place.y_m]).T) > place.radius_m
            found.append((line[: int(np.argmax(far)) + 1], road.width_m))
    return found


def link_places(places: list[Place]) -> list[Link]:
    """Link hamlets, villages and towns by their Gabriel graph, and each farm to the nearest of those.

    Links on shortest paths between neighbouring towns are main roads.
    """
    at = np.array([(place.x_m, place.y_m) for place in places]).reshape(-1, 2)
    hubs = [n for n, place in enumerate(places) if place.kind > PlaceKind.FARM]
    farms = [n for n, place in enumerate(places) if place.kind == PlaceKind.FARM]
    pairs = [(hubs[i], hubs[j]) for i, j in _gabriel(at[hubs])]
    towns = [n for n, place in enumerate(places) if place.kind == PlaceKind.TOWN]
    main = _between_towns(at, pairs, towns)
    links = [
        Link(i, j, MAIN_WIDTH_M if (i, j) in main or (j, i) in main else ROAD_WIDTH_M)
        for i, j in pairs
    ]
    if hubs:
        nearest = cKDTree(at[hubs])
        links += [Link(farm, hubs[nearest.query(at[farm])[1]], TRACK_WIDTH_M) for farm in farms]
    return links


def _gabriel(at: Points) -> list[tuple[int, int]]:
    """Return pairs of points with no third one in the circle over their connection."""
    if len(at) < 4:  # Delaunay wants four
        edges = set(itertools.combinations(range(len(at)), 2))
    else:
        corners = np.sort(Delaunay(at, qhull_options="QJ").simplices, axis=1)
        edges = {
            (int(t[i]), int(t[j])) for t in corners for i, j in itertools.combinations(range(3), 2)
        }
    tree = cKDTree(at) if len(at) else None
    found = []
    for i, j in sorted(edges):
        middle, radius = 0.5 * (at[i] + at[j]), 0.5 * float(np.hypot(*(at[i] - at[j])))
        if tree is not None and tree.query(middle)[0] > radius * (1 - 1e-9):
            found.append((i, j))
    return found


def _between_towns(
    at: Points, pairs: list[tuple[int, int]], towns: list[int]
) -> set[tuple[int, int]]:
    """Return the links on shortest paths between any two towns that are neighbours among towns."""
    if not pairs or len(towns) < 2:
        return set()
    i, j = np.array(pairs).T
    graph = coo_array((np.hypot(*(at[i] - at[j]).T), (i, j)), shape=(len(at), len(at)))
    _, before = dijkstra(graph.tocsr(), directed=False, indices=towns, return_predecessors=True)
    main = set()
    for first, second in _gabriel(at[towns]):
        here = towns[second]
        while (previous := int(before[first, here])) >= 0:
            main.add((previous, here))
            here = previous
    return main


def _route(relief: Relief, start: Place, end: Place, generator: np.random.Generator) -> Points:
    """Return the one of many winding lines (n, 2) with least length, climb and bridges."""
    a, b = np.array([start.x_m, start.y_m]), np.array([end.x_m, end.y_m])
    length_m = float(np.hypot(*(b - a)))
    share = np.linspace(0, 1, max(math.ceil(length_m / STEP_M), 2) + 1)
    bends = np.repeat(BENDS, TRIES)[:, None]
    sway = sum(
        generator.normal(0, 1, (len(bends), 1)) * bends / waves * np.sin(np.pi * waves * share)
        for waves in (1, 2, 3, 5, 8)
    )
    normal = np.array([a[1] - b[1], b[0] - a[0]])
    lines = a + share[:, None] * (b - a) + np.asarray(sway)[..., None] * normal  # (tries, n, 2)
    x, y = lines[..., 0].ravel(), lines[..., 1].ravel()
    step_m = np.hypot(*np.moveaxis(np.diff(lines, axis=1), -1, 0))
    climb_m = np.abs(np.diff(relief.height_m(x, y).reshape(lines.shape[:2]), axis=1))
    wet = relief.is_water(x, y).reshape(lines.shape[:2])[:, 1:]
    cost = (step_m * (1 + WATER_COST * wet) + CLIMB_COST * climb_m).sum(axis=1)
    return np.asarray(lines[int(np.argmin(cost))])
