"""XYZ tiles on disk, a folder z/x/y.png of web Mercator squares, opened as one raster of their deepest zoom."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote
from xml.sax.saxutils import escape

import rasterio
from PIL import Image

from hinted_posenet.core.errors import InputError

EDGE_M = 20037508.342789244  # from the middle of the web Mercator square to its edges
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
COMPLETE = 0.95  # of the tiles of the zoom above that a complete zoom divides
# GDAL reads such tiles without a network; those that are missing have an alpha of 0
WORLD = """<GDAL_WMS><Service name="TMS"><ServerUrl>file://{url}</ServerUrl></Service><DataWindow>
<UpperLeftX>{west!r}</UpperLeftX><UpperLeftY>{north!r}</UpperLeftY><LowerRightX>{north!r}</LowerRightX>
<LowerRightY>{west!r}</LowerRightY><TileLevel>{zoom}</TileLevel><TileX>0</TileX><TileY>0</TileY>
<SizeX>{size}</SizeX><SizeY>{size}</SizeY><YOrigin>{origin}</YOrigin></DataWindow>
<Projection>EPSG:3857</Projection><BlockSizeX>{side}</BlockSizeX><BlockSizeY>{side}</BlockSizeY>
<OverviewCount>0</OverviewCount><BandsCount>4</BandsCount><ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>
<ZeroBlockOnServerException>true</ZeroBlockOnServerException></GDAL_WMS>"""
PART = """<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:3857</SRS>
<GeoTransform>{left!r}, {step!r}, 0, {top!r}, 0, {down!r}</GeoTransform>{bands}</VRTDataset>"""
BAND = """<VRTRasterBand dataType="Byte" band="{band}" blockXSize="{side}" blockYSize="{side}">
<ColorInterp>{colour}</ColorInterp><SimpleSource><SourceFilename relativeToVRT="0">{world}</SourceFilename>
<SourceBand>{band}</SourceBand><SrcRect xOff="{col}" yOff="{row}" xSize="{width}" ySize="{height}"/>
<DstRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/></SimpleSource></VRTRasterBand>"""
COLOURS = ("Red", "Green", "Blue", "Alpha")

Tile = tuple[int, int]  # column and row; rows count from the north, or as TMS has it from the south


class TileFolder(NamedTuple):
    """Zooms that can be read, the deepest complete one first."""

    path: Path
    zooms: tuple[int, ...]
    boxes: tuple[tuple[int, int, int, int], ...]  # first column and row, last column and row
    suffix: str
    side_px: int  # of a tile
    from_south: bool

    @property
    def overviews(self) -> tuple[int, ...]:
        """Factors by which the other zooms are coarser than the first."""
        return tuple(2 ** (self.zooms[0] - zoom) for zoom in self.zooms[1:])

    def description(self, level: int) -> str:
        """Return what GDAL opens: the zoom of a level, over exactly the tiles that there are."""
        zoom, (left, first, right, last) = self.zooms[level], self.boxes[level]
        if self.from_south:
            first, last = 2**zoom - 1 - last, 2**zoom - 1 - first
        size = 2**zoom * self.side_px
        world = WORLD.format(
            url=quote(str(self.path.resolve())) + "/${z}/${x}/${y}" + self.suffix,
            west=-EDGE_M,
            north=EDGE_M,
            zoom=zoom,
            size=size,
            origin="bottom" if self.from_south else "top",
            side=self.side_px,
        )
        place = {
            "col": left * self.side_px,
            "row": first * self.side_px,
            "width": (right - left + 1) * self.side_px,
            "height": (last - first + 1) * self.side_px,
        }
        bands = [
            BAND.format(band=n, colour=colour, side=self.side_px, world=escape(world), **place)
            for n, colour in enumerate(COLOURS, 1)
        ]
        step = 2 * EDGE_M / size
        west, north = place["col"] * step - EDGE_M, EDGE_M - place["row"] * step
        return PART.format(
            left=west, top=north, step=step, down=-step, bands="".join(bands), **place
        )


def is_tile_folder(path: Path) -> bool:
    """Return whether a path is a folder of tiles z/x/y."""
    return path.is_dir() and any(
        inner.is_dir() for zoom in _numbered(path) for inner in _numbered(zoom)
    )


def open_tiles(path: Path, level: int) -> rasterio.DatasetReader:
    """Open a folder of tiles: level 0 is the deepest complete zoom, and further ones are coarser."""
    return rasterio.open(tile_folder(path).description(level))


@lru_cache(16)
def tile_folder(path: Path) -> TileFolder:
    """List the tiles of a folder. Deeper zooms that cover only parts of it are left out.

    Raises:
        InputError: There are none, or they cannot be read.
    """
    found = {int(zoom.name): _tiles(zoom) for zoom in _numbered(path)}
    found = {zoom: tiles for zoom, tiles in found.items() if tiles}
    if not found:
        raise InputError(f"{path}: no tiles found; expected z/x/y.png, .jpg or .webp")
    suffix, first = next((file.suffix, file) for file in found[max(found)].values())
    try:
        with Image.open(first) as image:
            side_px = image.width
    except OSError:
        raise InputError(
            f"{first}: expected a tile that can be read; fetch the tiles again"
        ) from None
    zooms = sorted(found, reverse=True)
    while len(zooms) > 1 and _divided(found[zooms[1]], found[zooms[0]], zooms) < COMPLETE:
        del zooms[0]
    boxes = [_box(list(found[zoom])) for zoom in zooms]
    # gdal2tiles writes this file where it counts rows from the south
    from_south = (path / "tilemapresource.xml").exists()
    return TileFolder(path, tuple(zooms), tuple(boxes), suffix, side_px, from_south)


def _numbered(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.name.isdecimal() and one.is_dir()]


def _tiles(zoom: Path) -> dict[Tile, Path]:
    return {
        (int(column.name), int(file.stem)): file
        for column in _numbered(zoom)
        for file in column.iterdir()
        if file.suffix.lower() in SUFFIXES and file.stem.isdecimal()
    }


def _divided(coarse: dict[Tile, Path], fine: dict[Tile, Path], zooms: list[int]) -> float:
    """Return the share of the tiles of zooms[1] that have one of zooms[0] on their ground."""
    factor = 2 ** (zooms[0] - zooms[1])
    parents = {(column // factor, row // factor) for column, row in fine}
    return len(parents & coarse.keys()) / len(coarse)


def _box(tiles: list[Tile]) -> tuple[int, int, int, int]:
    columns, rows = zip(*tiles, strict=True)
    return min(columns), min(rows), max(columns), max(rows)
