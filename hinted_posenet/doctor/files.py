"""Image files that are missing, unreadable, or of another size than their intrinsics."""

from hinted_posenet.doctor.finding import Finding
from hinted_posenet.doctor.scene import Scene
from hinted_posenet.doctor.text import counted

FETCH = "fetch or write them again, or exclude the frames (--write-exclude)"


def check_files(scene: Scene) -> list[Finding]:
    """Every image that a label names."""
    if not scene.views:
        return []
    if not scene.has_images:
        message = f"none of the {len(scene.images):,} images is there; labels alone were checked"
        return [Finding("images", "error", message, fix="fetch or unpack them")]
    missing, unreadable, sizes = {}, {}, {}
    for view in scene.views:
        image = scene.images[view.image]
        if not image.is_there:
            missing[view.name] = "missing"
        elif image.size is None:
            unreadable[view.name] = image.error
        elif view.size is not None and image.size != view.size:
            width, height = image.size
            sizes[view.name] = f"{width}x{height}, intrinsics are for {view.size[0]}x{view.size[1]}"
    findings = []
    for frames, what in (
        (missing, "{} missing"),
        (unreadable, "{} cannot be decoded"),
        (sizes, "{} of another size than the intrinsics are for"),
    ):
        if frames:
            message = what.format(counted(frames, "image"))
            findings.append(Finding("images", "error", message, frames, FETCH))
    return findings or [
        Finding("images", "ok", f"all {len(scene.images):,} are there and readable")
    ]
