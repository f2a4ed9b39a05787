"""The order of an epoch's training images."""

import torch
from torch import Generator, Tensor


def balanced_order(scene: Tensor, generator: Generator) -> list[int]:
    """As many rows as there are, shuffled, and of every scene equally many (to one).

    Rows of a small scene come again, each once more before any comes twice more; of a large one some wait for
    another epoch. With one scene this is a permutation.

    Args:
        scene: (N,) which scene a row is of.
        generator: decides the order.
    """
    names = sorted(set(scene.tolist()))
    parts = []
    for place, name in enumerate(names):
        rows = (scene == name).nonzero().squeeze(1)
        share = (len(scene) + place) // len(names)
        rounds = -(-share // len(rows))
        drawn = [rows[torch.randperm(len(rows), generator=generator)] for _ in range(rounds)]
        parts.append(torch.cat(drawn)[:share])
    order = torch.cat(parts)
    if len(names) > 1:
        order = order[torch.randperm(len(order), generator=generator)]
    return [int(row) for row in order]
