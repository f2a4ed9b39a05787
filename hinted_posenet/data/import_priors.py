"""Give the views of an import their priors, and place its world on Earth by them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from hinted_posenet.core.alignment import Similarity, fit_robust_similarity
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.geodesy import VERTICALS, Origin
from hinted_posenet.core.geometry import robust_box
from hinted_posenet.core.types import View
from hinted_posenet.data.formats.georeference import KEY, scene_origin
from hinted_posenet.data.priors.check import check_priors
from hinted_posenet.data.priors.load import PriorSource, match_readings
from hinted_posenet.data.priors.match import Matched
from hinted_posenet.data.priors.place import altitude_kind
from hinted_posenet.data.priors.read import read_priors
from hinted_posenet.data.priors.reading import Reading

FEWEST = 4  # cameras with a position: three fit one another whatever they are
LINE_SIGMAS = 3.0  # the cameras' spread across their line, in standard deviations of the positions
ON_A_LINE = 1e-6  # of the cameras' spread along their line, where the positions are exact
SHOWN = 5  # names in a line of text

Views = dict[str, list[View]]  # by split


class ImportPriors(NamedTuple):
    """The priors of an import, and what they are used for."""

    source: PriorSource
    georeference: bool = False  # place the world on Earth by them
    far: Literal["refuse", "ignore"] = "refuse"  # priors that cannot be right, see `check_priors`


class WithPriors(NamedTuple):
    """Views with priors, in a world that may have been placed on Earth."""

    views: Views
    manifest: dict[str, Any]  # what it states
    lines: list[str]  # of the summary


def add_priors(views: Views, folder: Path, asked: ImportPriors) -> WithPriors:
    """Give the views of the scene in a folder their priors.

    With ``georeference``, the scene's world, in any unit and direction, becomes east, north and up in metres
    around the median of the stated places, by the similarity that brings the cameras there.

    Raises:
        InputError: The source cannot be used, or the cameras do not determine the similarity.
    """
    source, georeference, far = asked
    listed = [view for split in views.values() for view in split]
    images = {view.name: view.image for view in listed}
    times = {view.name: view.time_s for view in listed}
    times_s = times if any(time_s is not None for time_s in times.values()) else None
    readings = read_priors(source.file, images, source.keys.altitude_above)
    origin, moved = scene_origin(folder), listed
    manifest: dict[str, Any] = {}
    lines: list[str] = []
    if georeference:
        origin, source = _origin_of(readings, source)
    matched = match_readings(readings, source, images, origin, times_s)
    if georeference:
        fit, used = _fit(listed, matched)
        moved = [_moved(view, fit) for view in listed]
        manifest, lines = _report(fit, moved, matched, used)
    if origin is not None:
        manifest = {KEY: origin._asdict(), **manifest}
    center, half_size = robust_box(torch.stack([view.T_world_cam.t for view in moved]))
    hints = check_priors(list(images), matched.hints, center, 2 * float(half_size), far)
    of = {view.name: view._replace(prior=hint) for view, hint in zip(moved, hints, strict=True)}
    given = sum(hint is not None for hint in hints)
    left_out = len(hints) - len(matched.without) - given
    if left_out:
        lines.append(f"{left_out} priors ignored, as the warnings say")
    manifest["priors"] = {
        "source": str(source.file),
        "images": given,
        "images_without": len(hints) - given,
        "unused": len(matched.unused),
    }
    return WithPriors(
        {split: [of[view.name] for view in found] for split, found in views.items()},
        manifest,
        [f"  {line}" for line in (*matched.lines(), *lines)],
    )


def _origin_of(readings: Iterable[Reading], source: PriorSource) -> tuple[Origin, PriorSource]:
    """Return an origin amid the places of readings, and the source with the heights that this defines."""
    keys = source.keys
    placed = [r for r in readings if r.geographic and not r.covariance.diagonal()[:3].isinf().any()]
    kinds = {altitude_kind(reading, keys) for reading in placed}
    if not placed or None in kinds:
        raise InputError(
            f"georeference=true: priors={source.file} states no latitude, longitude and altitude "
            "together, which it takes; give others, or georeference=false"
        )
    latitude, longitude, altitude = torch.stack([r.position for r in placed]).quantile(0.5, dim=0)
    above = str(next(iter(kinds))) if len(kinds) == 1 else "ellipsoid"
    height = 0.0 if above in ("takeoff", "ground") else round(float(altitude), 3)
    vertical = above if above in VERTICALS else "unknown"
    origin = Origin(round(float(longitude), 7), round(float(latitude), 7), height, vertical)
    # the new world counts from there unless the user says otherwise
    keys = keys._replace(
        takeoff_altitude_m=keys.takeoff_altitude_m or 0.0, ground_m=keys.ground_m or 0.0
    )
    return origin, source._replace(keys=keys)


def _fit(views: list[View], matched: Matched) -> tuple[Similarity, Tensor]:
    """Return the similarity from the cameras of views to their priors, and which views (N,) it rests on."""
    known = torch.tensor(
        [
            hint is not None and bool(hint.covariance.diagonal()[:3].isfinite().all())
            for hint in matched.hints
        ]
    )
    if known.sum() < FEWEST:
        raise InputError(
            f"georeference=true: {int(known.sum())} images have a whole position, expected {FEWEST} at "
            "least; give priors of more images, or georeference=false"
        )
    cameras = torch.stack([view.T_world_cam.t.double() for view in views])
    places = torch.stack(
        [torch.zeros(3).double() if hint is None else hint.pose.t for hint in matched.hints]
    )
    fit, inliers = fit_robust_similarity(cameras[known], places[known])
    used = known.clone()
    used[known] = inliers
    off_m = (fit.points(cameras[used]) - places[used]).square().sum(dim=1).mean().sqrt()
    along, across, _ = torch.linalg.svdvals(cameras[used] - cameras[used].mean(dim=0))
    across_m = fit.scale * across / used.sum().sqrt()
    if across_m < LINE_SIGMAS * off_m or across < ON_A_LINE * along:
        raise InputError(
            f"georeference=true: the cameras spread {float(across_m):.2g} m across their line, and their "
            f"positions agree to {float(off_m):.2g} m, so that the turn about the line is not known; give "
            "priors of cameras that are not on a line, or georeference=false"
        )
    return fit, used


def _moved(view: View, fit: Similarity) -> View:
    """Return a view in the new world, with depth in its metres."""
    depth = view.depth and view.depth._replace(unit_m=view.depth.unit_m * float(fit.scale))
    pose = fit.pose(view.T_world_cam)
    return view._replace(T_world_cam=pose, depth=depth, prior=None)


def _report(
    fit: Similarity, views: list[View], matched: Matched, used: Tensor
) -> tuple[dict[str, Any], list[str]]:
    """Return what the manifest states about the similarity, and lines that say it."""
    off_m = torch.tensor(
        [
            torch.inf if hint is None else float((view.T_world_cam.t - hint.pose.t).norm())
            for view, hint in zip(views, matched.hints, strict=True)
        ]
    )
    outliers = sorted(
        view.name
        for view, hint, fits in zip(views, matched.hints, used.tolist(), strict=True)
        if hint is not None and not fits
    )
    median_m, largest_m = float(off_m[used].quantile(0.5)), float(off_m[used].max())
    stated = {
        "of": "p = scale R(q) p_source + t, from the world of the source",
        "scale": float(fit.scale),
        "q_wxyz": fit.q.tolist(),
        "t_m": fit.t.tolist(),
        "cameras": int(used.sum()),
        "outliers": outliers,
        "median_residual_m": median_m,
        "max_residual_m": largest_m,
    }
    lines = [
        f"georeferenced by {int(used.sum())} positions: 1 unit of the source is {float(fit.scale):.6g} m; "
        f"residuals {median_m:.3g} m (median), {largest_m:.3g} m (largest)"
    ]
    if outliers:
        more = f" and {len(outliers) - SHOWN} more" if len(outliers) > SHOWN else ""
        lines.append(f"{len(outliers)} positions do not fit: {', '.join(outliers[:SHOWN])}{more}")
    return {"transformation": stated}, lines
