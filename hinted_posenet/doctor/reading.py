"""Reads a scene whole: every label that can be read, and what is wrong with the others."""

from functools import partial

from hinted_posenet.data.exclude import EXCLUDE_FILE, read_exclude
from hinted_posenet.data.reader import cambridge
from hinted_posenet.data.reader.recognise import Recognised
from hinted_posenet.doctor.images import read_images
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.types import Fault, InputError, View

NVM = "reconstruction.nvm"
UNKNOWN_FOCAL_PX = 1.0  # stands in where a scene has no focal lengths: labels need none


def read_scene(found: Recognised, decode: bool) -> Scene:
    """Read a scene, without the frames that its exclude.txt leaves out.

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
    splits = {
        split: [view for view in views if view.name not in listed] for split, views in whole.items()
    }
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
