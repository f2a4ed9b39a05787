"""The priors of a ``frames.csv``: columns ``prior_*`` with the names of a CSV file of priors."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint
from hinted_posenet.data.formats.georeference import scene_origin
from hinted_posenet.data.priors.check import impossible
from hinted_posenet.data.priors.columns import (
    ABOVE,
    COVARIANCE,
    KEYS,
    QUATERNION,
    SIGMAS_R,
    SIGMAS_T,
    WORLD,
    find_columns,
)
from hinted_posenet.data.priors.csv_table import Row, parse_row
from hinted_posenet.data.priors.place import PriorKeys, place

PREFIX = "prior_"
SIGMAS = (*SIGMAS_T[0], *SIGMAS_R[0])

Parse = Callable[[Row, str], Hint | None]


def prior_parser(columns: Sequence[str], path: Path) -> Parse | None:
    """Return a function (row, file and line) -> prior () float64 or None; None if no column is of a prior.

    ``path`` is the file; the manifest beside it says where latitude and longitude lie in the scene.
    """
    names = [name.removeprefix(PREFIX) for name in columns if name.startswith(PREFIX)]
    if not names:
        return None
    where = f"{path} line 1"
    for key in KEYS:
        if key in names:
            raise InputError(f"{where}: {PREFIX}{key} is not known; the row states it already")
    found = find_columns(names, where, PREFIX)
    for has, sigma, states in (
        (found.position, found.sigma_t, f"{PREFIX}{SIGMAS_T[-1][0]}"),
        (found.rotation, found.sigma_r, f"{PREFIX}{SIGMAS_R[-1][0]}"),
    ):
        if has and not sigma and not found.covariance:
            raise InputError(
                f"{where}: {PREFIX}{has[0]} has no sigma; add a column such as {states}"
            )
    if "altitude" in names and ABOVE not in names:
        raise InputError(f"{where}: {PREFIX}altitude says nothing without {PREFIX}{ABOVE}; add it")
    origin = scene_origin(path.parent)

    def parse(row: Row, where: str) -> Hint | None:
        fields = {name: row[PREFIX + name] for name in names}
        reading = parse_row(fields, found, where)
        if reading is None:
            return None
        hint = place([reading], PriorKeys(), origin)[0].hint
        if why := impossible(hint):
            raise InputError(f"{where}: its prior {why}; correct it, or empty its fields")
        return hint

    return parse


def prior_columns(priors: Sequence[Hint | None]) -> tuple[list[str], list[list[float | str]]]:
    """Return the columns that `prior_parser` reads, none if there is no prior, and the fields of each prior."""
    known = [prior for prior in priors if prior is not None]
    if not known:
        return [], [[] for _ in priors]
    covariance = torch.stack([prior.covariance for prior in known])
    diagonal = torch.equal(covariance, covariance.diagonal(dim1=1, dim2=2).diag_embed())
    names = [*WORLD, *QUATERNION, *(SIGMAS if diagonal else COVARIANCE)]
    empty: list[float | str] = [""] * len(names)
    fields = [empty if prior is None else _fields(prior, diagonal) for prior in priors]
    return [PREFIX + name for name in names], fields


def _fields(prior: Hint, diagonal: bool) -> list[float | str]:
    """Return position, quaternion and sigmas or covariance of a prior; what is not known is empty."""
    infinite = prior.variance.isinf().tolist()
    t = ["" if gap else x for x, gap in zip(prior.pose.t.tolist(), infinite[:3], strict=True)]
    q = [""] * 4 if all(infinite[3:]) else prior.pose.q.tolist()
    if diagonal:
        sigmas = prior.variance.double().sqrt()
        spread = [*sigmas[:3].tolist(), *map(math.degrees, sigmas[3:].tolist())]
    else:
        spread = prior.covariance[*torch.triu_indices(6, 6)].tolist()
    return [*t, *q, *("" if math.isinf(number) else number for number in spread)]
