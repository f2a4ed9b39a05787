"""Ground Registration: the pose of a downward-looking image by registering it to a ground map around the hint.

The head of an ordinary `PoseNet` whose feature is the image itself, so that it trains, cascades and is
evaluated as the other hinted networks are.
"""

import math
from functools import partial

import torch
from torch import Tensor, nn

from hinted_posenet.core.covariance import camera_information, world_covariance
from hinted_posenet.core.geometry import compose_rotvec, relative_rotvec
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.backbones.base import ImageBackbone
from hinted_posenet.models.encoding import SceneFrame
from hinted_posenet.models.heads.base import Head
from hinted_posenet.models.posenet import PoseNet
from hinted_posenet.models.registration.alignment import (
    WindowTrust,
    compare,
    known_windows,
    pose_loss,
    toward,
    weighted,
    window_centers,
)
from hinted_posenet.models.registration.coarse import CoarseRegistration
from hinted_posenet.models.registration.features import BLOCK, STRIDE
from hinted_posenet.models.registration.ground_map import GroundMap, Overhead, footprint_px
from hinted_posenet.models.registration.plane import Prior, information_step, pixel_centers

MATCHES, ALIGNMENTS = 3, 7  # steps at inference
TRAINING_PHOTOS, TRAINING_ALIGNMENTS = 2, 3
MATCH_START_M, ALIGN_START_M = 30.0, 9.0  # how far training starts from the truth, at most


class GroundRegistrationHead(Head):
    """(image, hint) -> pose: a search around the hint, matching of blocks, then alignment to the pixel.

    Each step solves for the maximum a posteriori pose with the hint as its prior, so that a sharp hint is not
    made worse; the training rotations are a second prior. Two things are learned: features that look alike on
    every date, and how far to trust a window. The search needs a hint of the position; retrieval can give it.
    The feature is the image itself, and all images are of one camera K (3, 3).
    """

    takes_covariance = True
    K: Tensor  # (3, 3)
    spread_r_rad: Tensor  # (3,) sigma of training rotations about the camera's axes
    train_t_m: Tensor  # (N, 3) where training images were taken
    train_sequence: Tensor  # (N,) and on which sequence
    allowed: Tensor  # (D,) bool, photos that may be used
    canvas: Tensor  # () photo pixels across the ground that an image is laid out on

    def __init__(self, channels: int, grid: int, ground_map: GroundMap, K: Tensor):
        super().__init__()
        self.map = ground_map
        self.coarse = CoarseRegistration()
        self.trust = WindowTrust()
        self.register_buffer("K", K.float())
        self.register_buffer("spread_r_rad", torch.full((3,), math.pi))
        self.register_buffer("train_t_m", torch.empty(0, 3))
        self.register_buffer("train_sequence", torch.empty(0, dtype=torch.int64))
        self.register_buffer("allowed", torch.ones(len(ground_map.photo), dtype=torch.bool))
        self.register_buffer("canvas", torch.tensor(STRIDE * BLOCK))

    def fit(self, truth: Pose, feature: Tensor, sequence: Tensor) -> None:
        """Measure the rotations and the usual footprint of training images (N, 3, H, W) with poses (N,)."""
        frame = SceneFrame()
        frame.fit(truth)
        turn = relative_rotvec(frame.mean_q, truth.q)
        self.spread_r_rad = turn.square().mean(dim=0).sqrt().clamp_min(math.radians(0.1))
        self.train_t_m, self.train_sequence = truth.t.clone(), sequence.clone()
        height_m = float((truth.t[:, 2] - self.map.height_m).quantile(0.5))
        side_px = max(feature.shape[-2:])
        self.canvas.fill_(footprint_px(self.map, self.K, height_m, side_px, STRIDE * BLOCK))

    def forward(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Pose:
        """Predict poses (B,) from images (B, 3, H, W) and hints (B,)."""
        return self.estimate(feature, hint, frame).pose

    def estimate(self, feature: Tensor, hint: Hint, frame: SceneFrame) -> Hint:
        """Return the poses of images (B, 3, H, W) with their covariances."""
        image, prior, over = feature, self._prior(hint, frame), self._over()
        allowed = self.allowed.expand(len(image), -1)
        reach = self.coarse.reach(over, prior)
        around = self.coarse.surroundings(over, prior.pose, allowed, reach)
        pose = self.coarse.search(over, image, prior, around)
        for _ in range(MATCHES):
            pose = self.coarse.match(over, image, pose, prior, around)
        for _ in range(ALIGNMENTS):
            pose, information = self._align(over, image, pose, prior, allowed)
        return Hint(pose, world_covariance(torch.linalg.inv(information), pose.q))

    def loss(self, feature: Tensor, hint: Hint, frame: SceneFrame, truth: Pose) -> Tensor:
        """Compute the loss (B,) of matching blocks and of aligning windows, from starts between hint and truth.

        A training image never sees the photo of its own sequence.
        """
        over = self._over()
        row = torch.cdist(truth.t, self.train_t_m).argmin(dim=1)
        photo = torch.arange(len(self.allowed), device=row.device)
        allowed = self.allowed & (self.train_sequence[row, None] != photo)
        some = allowed.float().multinomial(min(TRAINING_PHOTOS, int(allowed.sum(dim=1).min())))
        few = torch.zeros_like(allowed).scatter(1, some, True)
        start = toward(truth, hint.pose, MATCH_START_M)
        around = self.coarse.surroundings(over, start, few)
        loss = self.coarse.loss(over, feature, start, around, truth)
        pose = toward(truth, hint.pose, ALIGN_START_M)
        pixels = pixel_centers(4, 4, feature.shape[-1] / 4).flatten(0, 1).to(pose.t)
        pixels = pixels.expand(len(row), -1, -1)
        nothing = torch.zeros(len(pose.t), 6, 6, device=pose.t.device)
        for _ in range(TRAINING_ALIGNMENTS):
            pose, information = self._align(over, feature, pose, Prior(pose, nothing), allowed)
            moved_m = (over.ground(pose, pixels) - over.ground(truth, pixels)).norm(dim=-1)
            loss = loss + pose_loss(pose, information, truth, moved_m)
            pose = Pose(pose.t.detach(), pose.q.detach())
        return loss

    def _over(self) -> Overhead:
        return Overhead(self.map, self.K, int(self.canvas))

    def _prior(self, hint: Hint, frame: SceneFrame) -> Prior:
        """Combine the hint by Bayes' rule with the rotations of training images, which know tilt far better."""
        hint = frame.filled(hint)
        said = camera_information(hint.covariance, hint.pose.q)
        turn = relative_rotvec(frame.mean_q, hint.pose.q)
        off = torch.cat([torch.zeros_like(turn), turn], dim=-1).unsqueeze(
            -1
        )  # from the mean rotation
        known = torch.cat([torch.zeros_like(self.spread_r_rad), self.spread_r_rad**-2])
        whole = said + known.diag_embed()
        move = torch.linalg.solve(whole, said @ off).squeeze(-1)
        q = compose_rotvec(frame.mean_q, move[:, 3:])
        return Prior(Pose(hint.pose.t + move[:, :3], q), whole)

    def _align(
        self, over: Overhead, image: Tensor, pose: Pose, prior: Prior, allowed: Tensor
    ) -> tuple[Pose, Tensor]:
        """Solve for the pose (B,) from windows and the prior, and its information (B, 6, 6)."""
        height, width = image.shape[-2:]
        with torch.no_grad():
            photos, known = self.map.render(pose, self.K, height, width)
            windows = compare(image.float(), photos)
            centers = window_centers(pixel_centers(height, width).to(self.K))
            J = over.jacobian(pose, centers.expand(len(image), -1, -1))
            usable = known_windows(known) & allowed[:, :, None, None]
        A, b = weighted(windows, self.trust(windows.statistics) * usable.unsqueeze(2))
        return information_step(pose, J, A, b, prior)


class WholeImage(ImageBackbone):
    """A backbone that leaves the image as it is, for heads that look at pixels."""

    def __init__(self) -> None:
        nothing = nn.Identity()
        super().__init__(nothing, nothing, (3,), (0.0,) * 3, (1.0,) * 3, "none")

    def maps(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the image."""
        return (image,)


class NoPool(nn.Identity):
    """Keeps every pixel."""

    grid = 1


def ground_registration(ground_map: GroundMap, K: Tensor, refinement_steps: int = 1) -> PoseNet:
    """Build a PoseNet that registers images of the camera K (3, 3) to a map."""
    head = partial(GroundRegistrationHead, ground_map=ground_map, K=K)
    return PoseNet(WholeImage(), NoPool(), head, refinement_steps)
