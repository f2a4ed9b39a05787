"""Refinement by a map: an image is registered to it from a prior, and both are combined.

What the image says alone follows from the posterior by taking the prior away from it. Its covariance is
calibrated as a whole, since position and tilt of a camera that looks down are known together far better than
each of them; a constant is added for what all windows share, such as photos of the map that are displaced. Both
are fitted to validation images, and to training images that are registered without the photo of their own date.
The answer is the posterior of that belief and the prior; its pose is weighed by the likeliest covariance, which
a few large errors do not widen, else vague priors of the tilt would draw all answers. A prior that contradicts
the image is left out, and where the image does not fit the map, the fallback is the answer.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor
from tqdm import tqdm

from hinted_posenet.core.covariance import given, offset
from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import Hint, Pose, Query
from hinted_posenet.hints.gaussian import perturb
from hinted_posenet.hints.retrieval_database import evenly_spaced
from hinted_posenet.hints.trivial import no_hint
from hinted_posenet.inference.belief import CalibratedBelief, contradicts, row_of, weighed
from hinted_posenet.inference.joint_fit import fit_joint_weights, likeliest_weights
from hinted_posenet.models.registration.acceptance import DEFAULT_RULE, MEASURES, fit_rule, fits_map
from hinted_posenet.models.registration.map_registration import MapRegistration
from hinted_posenet.models.registration.search import Views

PROBES = 100  # images, of training and of validation each, that it is calibrated with
PROBE_CELLS, PROBE_TURN_RAD = 6.0, 0.05  # sigma of their priors: cells of the map, and radians
# An answer is right if its error is at most so many cells of the map, or so many times the error that a quarter of
# the answers have, and below this share of the height above ground.
RIGHT_CELLS, RIGHT, RIGHT_SHARE = 3.0, 5.0, 0.1
TINY = 1e-9  # of the information, that makes it invertible


class MapRefined(NamedTuple):
    """Answers to queries (B,)."""

    answer: Hint  # (B,) the posterior; the fallback where an image does not fit the map
    found: Tensor  # (B,) bool, whether it fits
    contradicted: Tensor  # (B,) bool, whether the prior was left out since the image contradicts it
    evidence: Tensor  # (B, MEASURES) of the fit
    image: Hint  # (B,) what images say alone; the fallback where they do not fit the map


class Seen(NamedTuple):
    """What one image says."""

    answer: Pose  # () as the image and the prior state it, float64
    image: Hint  # () from the image alone; its covariance is as it states it
    evidence: Tensor  # (MEASURES,)


class Measured(NamedTuple):
    """What registrations of images (N,) at known poses gave."""

    error: Tensor  # (N, 6) of what images say alone
    covariance: Tensor  # (N, 6, 6) that they state
    evidence: Tensor  # (N, MEASURES)
    right: Tensor  # (N,) bool
    # (F, MEASURES) of images with other images' priors, from which they were not found
    foreign: Tensor

    @classmethod
    def none(cls) -> Self:
        """Return those of no image."""
        error, covariance = (torch.empty(0, *of, dtype=torch.float64) for of in ((6,), (6, 6)))
        evidence = torch.empty(0, MEASURES)
        return cls(error, covariance, evidence, torch.empty(0, dtype=torch.bool), evidence)


class MapRefinement(CalibratedBelief):
    """A map, and how far poses from it can be trusted."""

    rule: Tensor  # (MEASURES + 1,), see `fits_map`
    likeliest: Tensor  # (parts, 2) as ``weights``, of the covariance that a pose is weighed by
    probe_evidence: Tensor  # (P, MEASURES) of training images, see `Measured`
    probe_right: Tensor  # (P,) bool
    probe_foreign: Tensor  # (F, MEASURES)

    def __init__(self, registration: MapRegistration):
        super().__init__()
        self.registration = registration
        self.register_buffer("rule", torch.tensor(DEFAULT_RULE))
        self.register_buffer("likeliest", self.weights.clone())
        self.register_buffer("probe_evidence", torch.empty(0, MEASURES))
        self.register_buffer("probe_right", torch.empty(0, dtype=torch.bool))
        self.register_buffer("probe_foreign", torch.empty(0, MEASURES))
        # name of an image -> the date of the map that it is not held against
        self.left_out: dict[str, str] = {}

    def forward(self, query: Query, prior: Hint, fallback: Hint) -> MapRefined:
        """Refine priors (B,) for queries (B,)."""
        rows = [
            self._refine(query, i, row_of(prior, i), row_of(fallback, i))
            for i in range(len(query.K))
        ]
        answers, found, contradicted, evidence, images = zip(*rows, strict=True)
        like = fallback.pose.t

        def together(hints: Sequence[Hint]) -> Hint:
            parts = zip(*((*one.pose, one.covariance) for one in hints), strict=True)
            t, q, covariance = (torch.stack(part).to(like) for part in parts)
            return Hint(Pose(t, q), covariance, fallback.neighbours)

        return MapRefined(
            together(answers),
            torch.tensor(found),
            torch.tensor(contradicted),
            torch.stack(evidence),
            together(images),
        )

    @torch.no_grad()
    def fit(self, read: Callable[[int], Query], truth: Pose, photo: Tensor) -> None:
        """Register some training images, at poses (N,), without the photo (N,) that each belongs to (-1: none).

        Where no other photo is left, nothing can be learned from them.
        """
        count = len(self.registration.dates)
        rows = evenly_spaced(len(truth.t), PROBES).tolist()
        if count < 2:
            return
        queries = [read(row) for row in rows]
        cell_m = self._usual_cell_m(queries)
        true = Pose(truth.t[rows], truth.q[rows])
        sigma_t_m = torch.full((len(rows),), PROBE_CELLS * cell_m)
        sigma_r_rad = torch.full((len(rows),), PROBE_TURN_RAD)
        drawn = perturb(true, sigma_t_m, sigma_r_rad, torch.Generator().manual_seed(0))
        hint = Hint.isotropic(drawn, sigma_t_m, sigma_r_rad)
        allowed: list[Tensor | None] = [torch.arange(count) != photo[row] for row in rows]
        of_probes = self._measure(queries, hint, true, allowed, "training images")
        for name, value in of_probes._asdict().items():
            setattr(self, f"probe_{name}", value)

    @torch.no_grad()
    def calibrate(self, query: Query, prior: Hint, truth: Pose) -> None:
        """Fit covariance and acceptance to validation images (N,) with priors (N,), and to those of `fit`."""
        if not query.image.numel():
            return
        rows = evenly_spaced(len(truth.t), PROBES).tolist()
        queries = [_query(query, row) for row in rows]
        hint = Hint(Pose(prior.pose.t[rows], prior.pose.q[rows]), prior.covariance[rows])
        true = Pose(truth.t[rows].cpu(), truth.q[rows].cpu())
        allowed = [self._allowed(one.name[0]) for one in queries]
        measured = self._measure(queries, hint, true, allowed, "validation images")
        probes = Measured(*(getattr(self, f"probe_{name}").cpu() for name in Measured._fields))
        evidence = [measured.evidence, probes.evidence, measured.foreign, probes.foreign]
        wrong = torch.zeros(len(measured.foreign) + len(probes.foreign), dtype=torch.bool)
        right = torch.cat([measured.right, probes.right, wrong])
        usual = self.registration.network.rule  # for what few images say
        self.rule.copy_(fit_rule(torch.cat(evidence), right, usual))
        kept = [one.right & fits_map(one.evidence, self.rule.cpu()) for one in (measured, probes)]
        seen = (measured.error[kept[0]], measured.covariance[kept[0]])
        left_out = (probes.error[kept[1]], probes.covariance[kept[1]])
        self.fit_weights_to(seen, left_out, fit_joint_weights)
        error, stated = (torch.cat(parts) for parts in zip(seen, left_out, strict=True))
        if len(error):
            self.likeliest.copy_(likeliest_weights(error, stated, torch.ones_like(error)))
        refined = [self(one, _hints(hint, i), _hints(hint, i)) for i, one in enumerate(queries)]
        covariance = [one.answer.covariance for one in refined if one.found.all()]
        if covariance:
            self.set_certain(torch.cat(covariance), self.registration.cameras.above_m)

    def check(self) -> None:
        """Refuse parts that do not belong together, as those of a checkpoint may not.

        Raises:
            InputError: They do not.
        """
        self.registration.check()
        probes = [self.probe_error, self.probe_covariance, self.probe_evidence, self.probe_right]
        if len({len(part) for part in probes}) > 1 or not self.rule.isfinite().all():
            raise InputError("what it measured of the map does not belong together")

    def _refine(
        self, query: Query, row: int, prior: Hint, fallback: Hint
    ) -> tuple[Hint, bool, bool, Tensor, Hint]:
        """Return the parts of `MapRefined` for one of queries (B,)."""
        nothing = torch.full((MEASURES,), torch.nan)
        if not query.image.numel() or self.registration.ground is None:
            return fallback, False, False, nothing, fallback
        whole = self.registration.prior_of(prior)
        if not fallback.covariance.isfinite().all():
            fallback = whole
        seen = self._look(_query(query, row), whole, self._allowed(query.name[row]))
        if seen is None:
            return fallback, False, False, nothing, fallback
        if not bool(fits_map(seen.evidence.unsqueeze(0), self.rule.cpu())[0]):
            return fallback, False, False, seen.evidence, fallback
        belief = _believed(seen.image, self.weights)
        contradicted = contradicts(belief, prior)
        if contradicted:
            whole = self.registration.prior_of(row_of(no_hint(query.K[row : row + 1]), 0))
        answer = given(whole, belief)[0]
        likely = given(whole, _believed(seen.image, self.likeliest))[0]
        return answer._replace(pose=likely.pose), True, contradicted, seen.evidence, belief

    def _look(self, query: Query, prior: Hint, allowed: Tensor | None) -> Seen | None:
        """Register the image of a query (1,) from a prior (), known in all parts; None: no photo is allowed."""
        if allowed is not None and not allowed.any():
            return None
        views = Views(_unit_range(query.image).cpu(), query.K.float().cpu())
        hint = Hint(
            Pose(*(part.unsqueeze(0) for part in prior.pose)), prior.covariance.unsqueeze(0)
        )
        registered = self.registration.locate(views, hint, allowed)
        return Seen(
            row_of(registered.answer, 0).pose, row_of(registered.image, 0), registered.evidence[0]
        )

    def _measure(
        self, queries: list[Query], hint: Hint, truth: Pose, allowed: list[Tensor | None], of: str
    ) -> Measured:
        """Register images (N,) with their own priors, and with those of other images."""
        count = len(queries)

        def look(by: int) -> list[tuple[Seen, Pose]]:
            found = []
            for i in tqdm(range(count), f"registration of {of}", unit="image", leave=False):
                prior = self.registration.prior_of(row_of(hint, (i + by) % count))
                if seen := self._look(queries[i], prior, allowed[i]):
                    found.append((seen, Pose(truth.t[i].double(), truth.q[i].double())))
            return found

        own = look(0)
        if not own:
            return Measured.none()
        off_m = torch.tensor([_off_m(*pair) for pair in own])
        cell_m = self._usual_cell_m(queries)
        most_m = max(RIGHT_CELLS * cell_m, RIGHT * float(off_m.quantile(0.25)))
        most_m = min(most_m, RIGHT_SHARE * float(self.registration.cameras.above_m))
        right = off_m < most_m
        # an image that is found from the prior of another one is not wrong
        others = [pair for pair in look(count // 2) if _off_m(*pair) > most_m] if count > 1 else []
        foreign = [seen.evidence for seen, _ in others]
        return Measured(
            torch.stack([offset(seen.image.pose, true) for seen, true in own]),
            torch.stack([seen.image.covariance for seen, _ in own]),
            torch.stack([seen.evidence for seen, _ in own]),
            right,
            torch.stack(foreign) if foreign else torch.empty(0, MEASURES),
        )

    def _usual_cell_m(self, queries: list[Query]) -> float:
        """Return the cells in which these images (1,) are usually compared."""
        height, width = queries[0].image.shape[-2:]
        focal_px = torch.stack([query.K[0, 0, 0] for query in queries]).quantile(0.5)
        return self.registration.usual_cell_m(float(focal_px), (height, width))

    def _allowed(self, name: str) -> Tensor | None:
        """Return the photos (D,) that an image may be held against; None is all."""
        photo = self.registration.photo_of(self.left_out.get(name, ""))
        if photo is None:
            return None
        return torch.arange(len(self.registration.dates)) != photo


def _believed(image: Hint, weights: Tensor) -> Hint:
    """Return what an image says () with its covariance as by weights (parts, 2)."""
    return image._replace(covariance=weighed(image.covariance.unsqueeze(0), weights)[0])


def _off_m(seen: Seen, true: Pose) -> float:
    return float((seen.answer.t - true.t).norm())


def _unit_range(image: Tensor) -> Tensor:
    """Return images as float in [0, 1]; those of a whole split are uint8."""
    return image.float() / 255 if image.dtype == torch.uint8 else image


def _query(query: Query, row: int) -> Query:
    """Return what registration needs of one of queries (B,), as (1,)."""
    image, K = query.image[row : row + 1], query.K[row : row + 1]
    return query._replace(image=image, K=K, name=[query.name[row]])


def _hints(hint: Hint, row: int) -> Hint:
    pose = Pose(hint.pose.t[row : row + 1], hint.pose.q[row : row + 1])
    return Hint(pose, hint.covariance[row : row + 1])
