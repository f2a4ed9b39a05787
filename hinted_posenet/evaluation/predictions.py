"""What methods answer on every frame of a split, and how they are named: a network's steps, and the controls."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import torch
from scipy.spatial import cKDTree
from torch import Generator, Tensor
from tqdm import tqdm

from hinted_posenet.core.types import Hint, LocalFeatures, Modes, Pose, Query, Sample
from hinted_posenet.data.posed_images import batches, joined, map_tensors, to
from hinted_posenet.hints.protocol import InferenceHints
from hinted_posenet.hints.retrieval import RetrievalHint
from hinted_posenet.hints.trivial import ConstantHint
from hinted_posenet.inference.localizer import LocalizerModule
from hinted_posenet.inference.modes import modes_of, retrieved_places
from hinted_posenet.inference.refinement import LandmarkRefinement

Role = Literal["network", "control", "hint"]
Controls = Mapping[str, InferenceHints]  # name -> fitted source, whose hints are the answers
ORACLE = "(oracle)"  # marks in all output what was made from the labels
# names of methods in poses.csv and results.json
CONSTANT, RETRIEVAL = "constant pose", "retrieval"
NEAREST_CAMERA = "nearest camera (ORACLE)"
HINT_ANSWER = "hint as the answer"
SHUFFLED_IMAGE = "shuffled image"
MODES = 3  # places that a network may answer with


class MethodAnswer(NamedTuple):
    """One method's poses for a whole split."""

    method: str
    role: Role
    pose: Pose  # (N,)
    # (N, 6, 6) as stated, see `Hint`, with infinite variance for parts that are not; None: nothing is stated
    covariance: Tensor | None = None
    neighbour: Tensor | None = None  # (N,) int64, the training image that the pose was taken from
    step: int | None = None  # 1, 2, ... of a network's refinement
    oracle: bool = False  # whether the labels went into it
    modes: Modes | None = (
        None  # (N, MODES) with the pose as the first; None: no frame has another one
    )

    def in_float64(self) -> "MethodAnswer":
        """Return the answer in float64, in which errors are measured."""
        pose, covariance, modes = self.pose, self.covariance, self.modes
        return self._replace(
            pose=map_tensors(Tensor.double, pose),
            covariance=None if covariance is None else covariance.double(),
            modes=None if modes is None else map_tensors(Tensor.double, modes),
        )


def step_name(step: int) -> str:
    """Return the name in poses.csv of a network's refinement step: 1, 2, ..."""
    return f"pass {step}"


def method_title(method: str, step: int | None) -> str:
    """Return the name of a method in tables, figures and pages."""
    return method.replace("(ORACLE)", ORACLE) if step is None else f"step {step}"


def constant_answer(train: Pose, test: Pose) -> MethodAnswer:
    """Answer the median training position and mean rotation for every test camera (N,)."""
    constant = ConstantHint().double()
    constant.fit(train, torch.empty(0), torch.empty(0))
    pose = Pose(constant.t_m.expand_as(test.t), constant.q.expand_as(test.q))
    return MethodAnswer(CONSTANT, "control", pose)


def nearest_answer(train: Pose, test: Pose) -> MethodAnswer:
    """Answer the training pose nearest to every test camera (N,): what perfect retrieval would give."""
    row = torch.from_numpy(cKDTree(train.t.numpy()).query(test.t.numpy())[1])
    pose = Pose(train.t[row], train.q[row])
    return MethodAnswer(NEAREST_CAMERA, "control", pose, neighbour=row, oracle=True)


def fit_controls(train: Sample, sequence: Tensor, device: torch.device) -> Controls:
    """Fit the constant pose and retrieval, the nearest training image in the same features.

    ``train`` has stacked features of the training images (N,); ``sequence`` (N,) int64 tells which drive, or
    flight and date, each was taken on.
    """
    controls: dict[str, InferenceHints] = {CONSTANT: ConstantHint(), RETRIEVAL: RetrievalHint()}
    for control in controls.values():
        control.fit(train.T_world_cam, train.query.feature, sequence)
        control.to(device)
    return controls


@torch.inference_mode()
def predict_split(
    localizer: LocalizerModule, controls: Controls, split: Sample, batch_size: int, seed: int
) -> list[MethodAnswer]:
    """Return the answers of a localizer's refinement steps on a split, and of controls.

    A network with hints gets two more: its inference hint taken as the answer, and the network with another
    image's feature. If the latter is as good, the network copies its hint. The last step has its other modes, and
    retrieval the next places that it finds: what several answers are worth without a network.

    The split has stacked features (N,), whose labels only oracles look at; the seed permutes the images.
    """
    source, device = localizer.inference_hint, localizer.device
    split = split._replace(query=source.query_of(split))
    found: dict[tuple[str, Role, int | None], list[Hint]] = {}
    several: dict[str, list[Modes]] = {}
    order = torch.randperm(len(split.query.name), generator=Generator().manual_seed(seed))
    swapped = split.query._replace(feature=split.query.feature[order])
    if isinstance(localizer.refinement, LandmarkRefinement):
        local = LocalFeatures(*(part[order] for part in split.query.local))
        swapped = swapped._replace(local=local)
    elif localizer.refinement:
        image, K = split.query.image[order], split.query.K[order]
        swapped = swapped._replace(image=image, K=K)
    others = batches(split._replace(query=swapped), batch_size)
    pairs = zip(batches(split, batch_size), others, strict=True)
    count = -(-len(order) // batch_size)
    for batch, other in tqdm(pairs, "predict", count, leave=False):
        query = to(batch.query, device)
        for name, control in controls.items():
            hint = control.at_inference(query, query.feature)
            if name == RETRIEVAL and localizer.uncertainty.is_fitted:
                feature, known = localizer.model.features(query)[0], localizer.uncertainty
                hint = known.of_retrieval(hint, feature, query.prior)
                remembered = known.memory, known.retrieved
                found_places = retrieved_places(*remembered, feature, query.prior, MODES)
                several.setdefault(name, []).append(found_places)
            found.setdefault((name, "control", None), []).append(hint)
        prediction = localizer.predict(query)
        if source.gives_hints:
            answer = localizer.model.frame.resolve(prediction.hint)
            found.setdefault((HINT_ANSWER, "hint", None), []).append(answer)
            hint = _of_another_image(localizer, query, to(other.query, device), prediction.hint)
            found.setdefault((SHUFFLED_IMAGE, "control", None), []).append(hint)
        for number, answer in enumerate(prediction.answers, start=1):
            found.setdefault((step_name(number), "network", number), []).append(answer)
        last = step_name(len(prediction.answers))
        several.setdefault(last, []).append(modes_of(localizer, query, prediction, MODES))
    modes = {method: joined(parts) for method, parts in several.items()}
    # an oracle's prior is looked at by all methods but the constant pose
    answers = []
    for (method, role, step), parts in found.items():
        pose, covariance, neighbours = whole = joined(parts)
        stated = covariance if whole.variance.isfinite().any() else None
        neighbour = neighbours[:, 0] if neighbours.numel() else None
        oracle = source.oracle and method != CONSTANT
        places = modes.get(method)
        if places and not places.log_weight[:, 1:].isfinite().any():
            places = None
        about = (method, role, pose, stated, neighbour, step, oracle, places)
        answers.append(MethodAnswer(*about))
    return answers


def _of_another_image(localizer: LocalizerModule, query: Query, other: Query, hint: Hint) -> Hint:
    """Return what a localizer answers to the hints (B,) of queries (B,) with other images' features."""
    if localizer.refinement:
        swapped = other._replace(prior=query.prior, name=query.name)
        return localizer.predict(swapped, hint).answers[-1]
    pose = localizer.model(localizer.model.features(other)[0], hint)
    unknown = torch.full((len(pose.t),), torch.inf)
    return Hint.isotropic(pose, unknown, unknown)
