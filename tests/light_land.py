"""A small land for the tests of light: fields, a village row, a wood, a lake, a road, all by place."""

import numpy as np

from hinted_posenet.simulator.world import Cover, PixelGrid, Window
from hinted_posenet.simulator.world.generated.landscape import Land
from hinted_posenet.simulator.world.noise import fractal_noise, stream, uniform

RESOLUTION_M = 0.5


def make_land(window: Window, altitude_m: float = 0.0) -> Land:
    """The same place has the same land in every window; it repeats every 700 pixels."""
    period = 700
    row = np.arange(window.row, window.row + window.rows)[:, None]
    col = np.arange(window.col, window.col + window.cols)[None, :]
    r, c = np.broadcast_arrays(row % period, col % period)
    shape = r.shape
    relief = fractal_noise(window, 400.0, stream(1, "relief"), 3)
    terrain = (altitude_m + 4.0 * relief).astype(np.float32)
    ground = np.full(shape, Cover.FIELD, np.uint8)
    parcel_row, parcel_col = row // 117, col // 100
    parcel = uniform(stream(1, "parcel"), parcel_row, parcel_col)
    tone = (2 * uniform(stream(1, "tone"), parcel_row, parcel_col) - 1).astype(np.float32)
    balk = np.broadcast_to(row % 117 < 2, shape)
    ground[balk] = Cover.GRASS
    block = uniform(stream(1, "block"), row // 468, parcel_col).astype(np.float32)
    furrow = np.sin((row + 0.3 * col) * 1.3).astype(np.float32)
    surface = terrain.copy()

    from_lake2 = (r - 560) ** 2 + 0.5 * (c - 180) ** 2
    from_lake2 = from_lake2 + 900 * fractal_noise(window, 80.0, stream(1, "lake"), 3)
    shore_m = (RESOLUTION_M * (np.sqrt(np.maximum(from_lake2, 0)) - 90)).astype(np.float32)
    ground[from_lake2 < 98**2], ground[from_lake2 < 90**2] = Cover.SHORE, Cover.WATER
    ground[(np.abs(r - c // 6 - 320) < 7)] = Cover.ROAD
    ground[(c > 400) & (r > 400)] = Cover.FOREST
    yard = (r > 230) & (r < 320) & (c > 330) & (c < 690)
    ground[yard] = Cover.YARD
    roof_rgb = np.zeros((*shape, 3), np.uint8)
    house = yard & (r > 255) & (r < 280) & ((c - 340) % 48 < 22)
    ground[house] = Cover.ROOF
    roof_rgb[house] = np.where(((r - 267) < 0)[house][:, None], [150, 86, 66], [142, 80, 62])
    surface[house] += (9 - 0.28 * np.abs(r - 267))[house]
    leafless = surface.copy()

    crown = np.zeros(shape, np.uint8)
    crown_tone = np.zeros(shape, np.float32)
    pitch = 14
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            cell_row, cell_col = row // pitch + dr, col // pitch + dc
            at_row = (cell_row + uniform(stream(1, "r"), cell_row, cell_col)) * pitch
            at_col = (cell_col + uniform(stream(1, "c"), cell_row, cell_col)) * pitch
            radius = 5.5 + 4 * uniform(stream(1, "s"), cell_row, cell_col)
            kind = uniform(stream(1, "k"), cell_row, cell_col)
            wood = (at_col % period > 408) & (at_row % period > 408)
            lone = uniform(stream(1, "lone"), cell_row, cell_col) < 0.02
            below = 1 - ((row - at_row) ** 2 + (col - at_col) ** 2) / radius**2
            height = 1.7 * radius * (0.55 + 0.45 * np.sqrt(np.clip(below, 0, 1)))
            here = (below > 0) & (wood | lone) & (terrain + height > surface) & ~house
            surface[here] = (terrain + height)[here].astype(np.float32)
            needle = kind < 0.35
            crown[here] = np.where(needle, Cover.CONIFER, Cover.DECIDUOUS)[here]
            crown_tone[here] = uniform(stream(1, "t"), cell_row, cell_col)[here]
            standing = here & needle
            leafless[standing] = surface[standing]
    return Land(
        pixel_grid=PixelGrid(0.0, 0.0, RESOLUTION_M, 4 * period, 4 * period),
        window=window,
        terrain_m=terrain,
        surface_m=surface,
        leafless_m=leafless,
        ground=ground,
        crown=crown,
        crown_tone=crown_tone,
        parcel_draw=parcel.astype(np.float32),
        parcel_tone=tone,
        furrow=furrow,
        balk=balk & (ground == Cover.GRASS),
        block_draw=np.broadcast_to(block, shape),
        across_m=np.broadcast_to(np.float32(RESOLUTION_M) * row.astype(np.float32), shape),
        shore_m=np.minimum(shore_m, np.float32(60)),
        bank=np.where(shore_m < 60, np.uint8(Cover.WATER), np.uint8(0)),
        roof_rgb=roof_rgb,
    )
