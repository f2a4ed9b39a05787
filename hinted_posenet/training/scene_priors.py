"""Priors of a scene's images, where they are the inference hint: refused where there are none, and counted."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.types import View

SHOWN = 3  # names in a message

log = logging.getLogger(__name__)


def scene_priors(
    views: Mapping[str, Sequence[View]], splits: Collection[str], data: str
) -> dict[str, Any]:
    """Return what results.json says of the priors of some splits: their files, their counts, and who has none.

    Raises:
        InputError: If no image of one of the splits has a prior; ``data`` is the name of the data set.
    """
    files: dict[str, None] = {}
    found: dict[str, Any] = {"files": [], "frames": {}, "without": {}}
    for split in sorted(splits):
        known = [view for view in views[split] if view.prior is not None]
        missing = [view.name for view in views[split] if view.prior is None]
        if not known:
            raise InputError(
                f"data={data}: no image of the {split} split has a prior; give it some, see docs/priors.md, "
                "or choose another inference_hint"
            )
        if missing:
            some = ", ".join(missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
            log.warning(
                "%d of %d images of the %s split have no prior (%s); they are asked without a hint",
                *(len(missing), len(views[split]), split, some),
            )
            found["without"][split] = missing
        found["frames"][split] = len(known)
        files |= {view.where.rpartition(" line ")[0]: None for view in known}
    found["files"] = [file or "a simulated sensor" for file in files]
    return found
