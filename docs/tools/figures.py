"""Draw the figures of docs/architecture.md: python docs/tools/figures.py."""

from html import escape
from pathlib import Path
from typing import NamedTuple

IMAGES = Path(__file__).parents[1] / "images"
WIDTH, HEIGHT, STEP = 520, 52, 88  # of the figure, of a box, from one row to the next, in pixels
WHOLE = (0, WIDTH)  # a box's place in its row: x and width
PLACES = {"left": (0, 250), "right": (270, 250), "whole": WHOLE}
STYLE = """
svg { color-scheme: light dark }
text { font: 14px system-ui, sans-serif; fill: #24292f; text-anchor: middle }
.file { font: 600 14px ui-monospace, Menlo, Consolas, monospace }
.type { font: italic 13px ui-monospace, Menlo, Consolas, monospace; text-anchor: start; fill: #57606a }
rect { stroke-width: 1.5 } path { stroke: #6e7781; stroke-width: 1.5; fill: none } .tip { fill: #6e7781 }
.data { fill: #ddf4ff; stroke: #54aeff } .model { fill: #dafbe1; stroke: #4ac26b }
.hint { fill: #fff8c5; stroke: #d4a72c } .run { fill: #f3f0ff; stroke: #a475f9 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .type { fill: #9da7b1 } path { stroke: #8b949e } .tip { fill: #8b949e }
.data { fill: #0c2d4a } .model { fill: #0f3320 } .hint { fill: #3a2f08 } .run { fill: #2b1f47 }
}"""


class Box(NamedTuple):
    """A file, what it does, and the type that leaves it."""

    row: int
    place: tuple[int, int]
    kind: str  # data, model, hint or run: its colour
    file: str  # below hinted_posenet/, or in the repository
    text: str
    leaves: str = ""  # `left or right` of two arrows

    @property
    def middle(self) -> int:
        """Return the x of its center, in pixels."""
        return self.place[0] + self.place[1] // 2


# one line per box, from top to bottom: place, colour, file | what it does | the type that leaves it
FIGURES = {
    "architecture-run.svg": """\
whole data data/formats/ | one reader per layout: labels, nothing decoded | list[View]
whole data data/splits.py | holds out a validation sequence | Splits
whole data data/cache/image_cache.py | decodes and resizes every image once | pixels
whole data data/posed_images.py | image and K at one size, prior, true pose | Sample = Query + Pose
whole data data/augment/augment.py | colours and camera rotations, with the exact pose | Sample
whole model training/features.py | backbone and pool; computed once if frozen | feature (B,C,G,G) or feature
left hint hints/gaussian.py | training: may see the truth | Hint
right hint hints/retrieval.py | inference: sees a Query only | Hint
whole model models/posenet.py | its head turns feature and hint into a pose | Pose or list[Hint]
left model models/losses.py | training: one number per sample | Tensor (B,)
right run inference/localizer.py | answers a Query | list[Hint]
left run training/lightning_module.py | takes a step, validates | val/score
right run evaluation/predictions.py | a whole split, and the controls | MethodAnswer
left run training/train.py | keeps the best epoch | state_dict
right run evaluation/metrics.py | errors, medians, recall | m, deg
left run inference/checkpoint.py | writes localizer.ckpt
right run evaluation/write_run.py | writes results.json, which reports read""",
    "architecture-simulate.svg": """\
whole run datasets/aerial/recipe/ | recipe=NAME: world, camera, flights, seed | config
whole run inference/build.py | configs to objects, of trusted packages only | World, Camera or Flight
left data simulator/world/ | from a seed or from GeoTIFFs | World
right data simulator/flight.py | plan, dates, sensor | list[Station]
whole data simulator/shots.py | every image with its own seed, by block of ground | Job
whole data simulator/parallel.py | runs jobs here or in dask workers | Shot
whole model simulator/render.py | one ray per pixel into the surface | Frame(rgb, depth_m)
whole model simulator/light/sensor.py | haze, motion blur, exposure, noise | image (H, W, 3) uint8
whole run simulator/aerial_layout.py | encodes images, writes frames.csv | bytes
whole run simulator/partial.py | file and hash, job by job | images/, manifest.json
whole data data/formats/aerial.py | reads it like any data set | list[View]""",
}


def boxes_of(lines: str) -> list[Box]:
    """Return the boxes of a figure; a right one stands beside the left one before it."""
    boxes: list[Box] = []
    for line in lines.splitlines():
        head, text, *leaves = line.split(" | ")
        place, kind, file = head.split()
        row = boxes[-1].row + (place != "right") if boxes else 0
        boxes.append(Box(row, PLACES[place], kind, file, text, *leaves))
    return boxes


def drawn(boxes: list[Box]) -> str:
    """Return the figure as SVG; every box points to those of the next row that share its column."""
    shapes = [part for box in boxes for part in (*_box(box), *_arrows(box, boxes))]
    height = max(box.row for box in boxes) * STEP + HEIGHT + 2
    size = f'viewBox="-1 -1 {WIDTH + 2} {height}" width="{WIDTH}"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', f"<style>{STYLE}</style>"]
    return "\n".join([*lines, *shapes, "</svg>\n"])


def _box(box: Box) -> list[str]:
    (x, width), y = box.place, box.row * STEP
    return [
        f'<rect class="{box.kind}" x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="8"/>',
        f'<text class="file" x="{box.middle}" y="{y + 22}">{escape(box.file)}</text>',
        f'<text x="{box.middle}" y="{y + 41}">{escape(box.text)}</text>',
    ]


def _arrows(box: Box, boxes: list[Box]) -> list[str]:
    below = [other for other in boxes if other.row == box.row + 1 and _meet(box, other)]
    parts = []
    top, bottom = box.row * STEP + HEIGHT, (box.row + 1) * STEP
    types = dict(zip(below, box.leaves.split(" or "), strict=True)) if below else {}
    for other, leaves in types.items():
        x = box.middle if box.place != WHOLE else other.middle
        parts.append(f'<path d="M{x} {top}V{bottom - 7}"/>')
        parts.append(f'<path class="tip" d="M{x - 5} {bottom - 8}h10l-5 8z"/>')
        parts.append(f'<text class="type" x="{x + 10}" y="{top + 22}">{escape(leaves)}</text>')
    return parts


def _meet(box: Box, other: Box) -> bool:
    return WHOLE in (box.place, other.place) or box.place == other.place


if __name__ == "__main__":
    for name, lines in FIGURES.items():
        (IMAGES / name).write_text(drawn(boxes_of(lines)))
