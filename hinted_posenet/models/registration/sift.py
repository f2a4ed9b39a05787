"""SIFT: keypoints of an image matched with those of the map as the hint's camera would see it. A control."""

from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hinted_posenet.core.geometry import invert, quaternion_exp
from hinted_posenet.core.types import Hint, Pose
from hinted_posenet.models.registration.ground_map import GroundMap
from hinted_posenet.models.registration.plane import ground_points

RATIO = 0.8  # of the nearest descriptor's distance to the second nearest's (Lowe, 2004)
INLIER_PX = 3.0
FEWEST = 8  # inliers of a homography that is believed
STEPS = 3  # in each, the map is rendered at the last answer
MARGIN = 0.5  # of an image's side that is rendered beyond each edge

# places (n, 2) in pixels, and descriptors (n, 128)
Keypoints = tuple[NDArray[np.float64], NDArray[Any]]


class SiftRegistration:
    """Homography by RANSAC, of the date with the most inliers; then the pose that projects them best.

    Args:
        ground_map: Map to render.
        K: of the one camera (3, 3).
        allowed: (D,) bool, photos that may be used.
    """

    def __init__(self, ground_map: GroundMap, K: Tensor, allowed: Tensor):
        self.map, self.K, self.allowed = ground_map, K.float(), allowed
        self.detector = cv2.SIFT.create(contrastThreshold=0.01)

    def locate(self, image: Tensor, hint: Hint) -> Pose:
        """Locate images (B, 3, H, W) with hints (B,); return the hint where too little matches."""
        answers = []
        for row, one in enumerate(image):
            pose = Pose(hint.pose.t[row : row + 1], hint.pose.q[row : row + 1])
            found = self._keypoints(one)
            for _ in range(STEPS):
                pose = self._step(found, pose, one.shape[-2:])
            answers.append(pose)
        return Pose(*(torch.cat(parts) for parts in zip(*answers, strict=True)))

    def _step(self, found: Keypoints, pose: Pose, size: torch.Size) -> Pose:
        """Solve for the pose (1,) from the inliers of the best date."""
        height, width = size
        margin = round(MARGIN * max(height, width))
        K = self.K.clone()  # of a larger view: the same camera with a border
        K[:2, 2] += margin
        views = self.map.render(pose, K, height + 2 * margin, width + 2 * margin)[0]
        best_here, best_there = np.empty((0, 2)), np.empty((0, 2))
        for view in views[0, self.allowed]:
            here, there = matched(found, self._keypoints(view))
            if len(here) < FEWEST:
                continue
            mask = cv2.findHomography(there, here, cv2.RANSAC, INLIER_PX)[1]
            inlier = mask.ravel().astype(bool)
            if inlier.sum() > len(best_here):
                best_here, best_there = here[inlier], there[inlier]
        if len(best_here) < FEWEST:
            return pose
        pixels = torch.from_numpy(best_there).float()[None]
        ground = ground_points(pose, K, pixels, self.map.height_m)[0].double()
        middle = ground.mean(dim=0)  # solved about it, for the sake of digits
        points = torch.cat([ground - middle, torch.zeros(len(ground), 1)], dim=1).numpy()
        camera = self.K.double().numpy()
        ok, rotation, shift = cv2.solvePnP(points, best_here, camera, None, flags=cv2.SOLVEPNP_IPPE)
        if not ok:
            return pose
        rotation, shift = cv2.solvePnPRefineLM(points, best_here, camera, None, rotation, shift)
        q_cam_world = quaternion_exp(torch.from_numpy(rotation).flatten())
        t, q = invert(torch.from_numpy(shift).flatten(), q_cam_world)
        t = t + torch.cat([middle, self.map.height_m.double().view(1)])
        return Pose(t[None].to(pose.t), q[None].to(pose.q))

    def _keypoints(self, image: Tensor) -> Keypoints:
        """Detect keypoints of an image (3, H, W) in [0, 1]."""
        pixels = (image.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        points, descriptors = self.detector.detectAndCompute(gray, None)
        # OpenCV's pixel centers are at whole numbers
        places = np.array([point.pt for point in points]).reshape(-1, 2) + 0.5
        return places, np.empty((0, 128), np.float32) if descriptors is None else descriptors


def matched(one: Keypoints, other: Keypoints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Match descriptors by the ratio test: places (n, 2) in one and the other image."""
    if len(one[0]) < 2 or len(other[0]) < 2:
        return np.empty((0, 2)), np.empty((0, 2))
    pairs = cv2.BFMatcher().knnMatch(one[1], other[1], k=2)
    good = [a for a, b in pairs if a.distance < RATIO * b.distance]
    return one[0][[m.queryIdx for m in good]], other[0][[m.trainIdx for m in good]]
