"""What the checks look at: the labels of one scene, what could not be read of them, its images."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude
from hinted_posenet.data.reader import cambridge
from hinted_posenet.data.reader.recognise import Recognised
from hinted_posenet.data.views import without
from hinted_posenet.doctor.images import ImageFile, read_images
from hinted_posenet.doctor.track import Track, tracks
from hinted_posenet.geometry import robust_box
from hinted_posenet.types import Fault, InputError, Pose, View, stack_poses

NVM = "reconstruction.nvm"
UNKNOWN_FOCAL_PX = 1.0  # stands in where a scene has no focal lengths: labels need none


@dataclass(frozen=True)
class Scene:
    """One scene as read from disk, without the frames that exclude.txt leaves out."""

    name: str
    layout: str  # of `data.reader.recognise`
    folder: Path
    splits: dict[str, list[View]]
    faults: Sequence[Fault]  # labels that could not be read
    broken: Sequence[str]  # why a split could not be read at all
    images: dict[Path, ImageFile]
    counts: dict[str, int]  # frames by split, with those left out and those with faults
    excluded: dict[str, str]  # frames left out -> why
    strangers: Sequence[str] = ()  # what exclude.txt names, though there is no such frame
    has_intrinsics: bool = True

    @cached_property
    def views(self) -> list[View]:
        """All N views, split after split."""
        return [view for views in self.splits.values() for view in views]

    @cached_property
    def split_of(self) -> list[str]:
        """The split of every view."""
        return [split for split, views in self.splits.items() for _ in views]

    @cached_property
    def T_world_cam(self) -> Pose:  # noqa: N802
        """Poses of all views, t (N, 3), q (N, 4), float64; there must be one."""
        return stack_poses(view.T_world_cam for view in self.views)

    @cached_property
    def scale_m(self) -> float:
        """Half the size of the cube that holds 95 % of the cameras, in metres."""
        return float(robust_box(self.T_world_cam.t)[1])

    @cached_property
    def tracks(self) -> list[Track]:
        """Views of each sequence in the order they were taken."""
        return tracks(self.views)

    @property
    def has_images(self) -> bool:
        """Whether any image is there at all."""
        return any(image.is_there for image in self.images.values())


def read_scene(found: Recognised, decode: bool) -> Scene:
    """Read every label that can be read, and what is wrong with the others.

    Args:
        found: which scene, and how to read it.
        decode: decode all images; otherwise read their headers.
    """
    read, broken = found.read_views, list[str]()
    has_intrinsics = found.layout != "cambridge" or (found.folder / NVM).is_file()
    if not has_intrinsics:
        read = partial(cambridge.read_views, focal_px=UNKNOWN_FOCAL_PX)
        broken.append(f"no {NVM}, so no focal lengths: add the file, or set data.reader.focal_px")
    whole: dict[str, list[View]] = {}
    faults: list[Fault] = []
    counts = {}
    for split in found.splits:
        unreadable: list[Fault] = []
        try:
            whole[split] = read(found.root, found.scene, split, faults=unreadable)
            counts[split] = len(whole[split]) + len(unreadable)
        except InputError as error:
            broken.append(f"the {split} split cannot be read: {error}")
        faults += unreadable
    listed = read_exclude(found.folder / EXCLUDE_FILE)
    known = {view.name for views in whole.values() for view in views} | {f.name for f in faults}
    splits = without(whole, listed)
    images = (view.image for views in splits.values() for view in views)
    return Scene(
        name=found.scene,
        layout=found.layout,
        folder=found.folder,
        splits=splits,
        # a row that tells no split is found wrong in all of them
        faults=[fault for fault in dict.fromkeys(faults) if fault.name not in listed],
        broken=broken,
        images=read_images(images, decode, f"images of {found.scene}"),
        counts=counts,
        excluded={name: why for name, why in listed.items() if name in known},
        strangers=[name for name in listed if name not in known],
        has_intrinsics=has_intrinsics,
    )
