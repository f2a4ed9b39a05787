"""Runs all checks on a scene."""

from collections.abc import Collection
from typing import NamedTuple

from hinted_posenet.data.reader.recognise import Recognised
from hinted_posenet.doctor.counts import check_counts, check_known
from hinted_posenet.doctor.duplicates import check_duplicates
from hinted_posenet.doctor.files import (
    check_excluded,
    check_images,
    check_labels,
    check_rotations,
)
from hinted_posenet.doctor.finding import FAULTS, Finding
from hinted_posenet.doctor.leakage import check_leakage
from hinted_posenet.doctor.outliers import check_flips, check_positions
from hinted_posenet.doctor.scene import Scene, read_scene
from hinted_posenet.doctor.trial import Trial, try_conventions
from hinted_posenet.doctor.verdict import check_convention

CHECKS = (check_excluded, check_counts, check_labels)
CHECKS_OF_VIEWS = (  # where there are any
    check_images,
    check_rotations,
    check_positions,
    check_flips,
    check_duplicates,
    check_leakage,
)
EXCLUDABLE = ("labels", "images", "rotations", "positions", "flips", "known frames")


class Examination(NamedTuple):
    """All that is known of a scene after its examination."""

    scene: Scene
    findings: list[Finding]
    trial: Trial  # of conventions

    @property
    def is_sound(self) -> bool:
        """Whether nothing needs to be done; notes are allowed."""
        return not any(finding.severity in FAULTS for finding in self.findings)


def examine(found: Recognised, decode: bool = True) -> Examination:
    """Read a scene and check everything.

    Args:
        found: the scene, of `data.reader.recognise`.
        decode: decode all images; otherwise read their headers.
    """
    scene = read_scene(found, decode)
    trial = try_conventions(scene)
    checks = CHECKS + CHECKS_OF_VIEWS if scene.views else CHECKS
    findings = [finding for check in checks for finding in check(scene)]
    accused = {name for f in findings if f.severity in FAULTS for name in f.frames}
    findings += [*check_known(scene, accused), *check_convention(scene, trial)]
    return Examination(scene, findings, trial)


def to_exclude(examination: Examination) -> dict[str, str]:
    """Frames that no training should use -> why; first those that are excluded already, unchanged."""
    return examination.scene.excluded | accusations(examination, EXCLUDABLE)


def accusations(examination: Examination, checks: Collection[str]) -> dict[str, str]:
    """Frames that some of the checks find fault with -> all that they say."""
    reasons: dict[str, list[str]] = {}
    for finding in examination.findings:
        if finding.check in checks and finding.severity in FAULTS:
            for name, why in finding.frames.items():
                reasons.setdefault(name, []).append(why)
    return {name: ", ".join(why) for name, why in reasons.items()}
