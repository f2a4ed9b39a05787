"""How long Hinted Memory looks for training images, and how many of the best 8 its index finds.

    python benchmarks/retrieval.py --images 10000 100000

Features of 1280 x 3 x 3 are synthetic: a smooth path through places that look like one of a hundred kinds, 2
images a metre, with noise of its own in each image. One query at a time on one thread, its features given, with a
hint of 10 m and without a hint. The exact answer compares the query with all images.
"""

import argparse
import time

import torch
from torch import Tensor

from hinted_posenet.core.tables import text_table
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.hints.retrieval_database import RetrievalDatabase

SHAPE = (1280, 3, 3)
FACTORS = 300  # dimensions in which places differ
KINDS = 100
PER_M = 2
COUNT = 8
QUERIES = 50
SIGMA_M = 10.0


def main() -> None:
    """Print one row for each size and hint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[10000, 100000])
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = [["images", "hint", "exact [ms]", "index [ms]", "recall@8", "build [s]", "index [MB]"]]
    for images in given.images:
        rows += measured(images)
    print(text_table(rows))


@torch.inference_mode()
def measured(images: int) -> list[list[str]]:
    """Return the rows of one size."""
    draw = torch.Generator().manual_seed(0)
    mixing = torch.randn(FACTORS, 1280 * 9, generator=draw) / FACTORS**0.5
    kinds = torch.randn(KINDS, FACTORS, generator=draw)
    factor = looks(images, kinds, draw)
    memory = RetrievalDatabase()
    memory.fit(path(torch.arange(64)), torch.zeros(64, *SHAPE))
    parts = [appearance(part, mixing, draw).half() for part in torch.split(factor, 2048)]
    memory.feature = torch.cat(parts)
    memory.t_m, memory.q = path(torch.arange(images))
    asked = torch.randint(images, (QUERIES,), generator=draw)
    feature = appearance(factor[asked], mixing, draw).view(-1, *SHAPE)
    started = time.perf_counter()
    memory.nearest(feature[:1], hint_at(asked[:1], torch.inf), COUNT)
    build_s = time.perf_counter() - started
    size_mb = 0.0 if memory._index is None else memory._index.row.nbytes / 1e6
    found = []
    for name, sigma_m in (("10 m", SIGMA_M), ("none", torch.inf)):
        exact_s, index_s, recall = [], [], []
        for i, row in enumerate(asked):
            one, hint = feature[i : i + 1], hint_at(row[None], sigma_m)
            started = time.perf_counter()
            best = memory.log_likelihood(one, hint).topk(COUNT, dim=1).indices
            asked_index = time.perf_counter()
            rows = memory.nearest(one, hint, COUNT)
            index_s.append(time.perf_counter() - asked_index)
            exact_s.append(asked_index - started)
            recall.append(float(torch.isin(rows, best).float().mean()))
        exact, index = (1e3 * float(torch.tensor(s).median()) for s in (exact_s, index_s))
        share = sum(recall) / len(recall)
        cells = (f"{exact:.1f}", f"{index:.1f}", f"{share:.3f}", f"{build_s:.1f}", f"{size_mb:.0f}")
        found.append([str(images), name, *cells])
    return found


def looks(images: int, kinds: Tensor, draw: torch.Generator) -> Tensor:
    """Return factors (N, F) of images along a path: those of 10 m share most, and places of a kind some."""
    places = images // (10 * PER_M) + 2
    kind = kinds[torch.randint(KINDS, (places,), generator=draw)]
    anchor = kind + torch.randn(places, kinds.shape[1], generator=draw)
    at = torch.arange(images) / (10 * PER_M)
    low, share = at.long(), (at % 1).unsqueeze(1)
    return torch.lerp(anchor[low], anchor[low + 1], share)


def appearance(factor: Tensor, mixing: Tensor, draw: torch.Generator) -> Tensor:
    """Return unit features (N, D), none negative, of factors (N, F) with noise of their own."""
    clean = factor @ mixing
    noise = torch.randn(clean.shape, generator=draw)
    return torch.nn.functional.normalize((clean + 0.5 * noise).relu(), dim=1)


def path(image: Tensor) -> Pose:
    """Return poses (N,) of images (N,) in rows of 1 km."""
    along_m = image / PER_M
    t_m = torch.stack([along_m % 1000, 50 * (along_m // 1000), torch.zeros_like(along_m)], dim=1)
    return Pose(t_m, torch.tensor([1.0, 0, 0, 0]).repeat(len(image), 1))


def hint_at(image: Tensor, sigma_m: float) -> Hint:
    """Return hints (N,) at the places of images (N,)."""
    sigma = torch.full((len(image),), sigma_m)
    return Hint.isotropic(path(image), sigma, torch.full_like(sigma, torch.inf))


if __name__ == "__main__":
    main()
