"""Several scenes of one data set read together, for one network; each keeps its own world frame."""

from collections.abc import Sequence
from pathlib import Path

from hinted_posenet.data.reader.layout import ReadViews
from hinted_posenet.data.views import Splits, split_views
from hinted_posenet.types import InputError, View

SEPARATOR = "+"  # data.scene=chess+fire


def split_scenes(
    read_views: ReadViews,
    root: Path,
    scenes: str,
    validation: Sequence[str] | None = None,
    exclude: Sequence[str] = (),
    skip_faulty: bool = False,
) -> Splits:
    """`split_views` of one scene, or of several joined by ``+``.

    Of several, names and sequences get their scene in front, also in ``validation`` and ``exclude``:
    "chess/seq-01". Views are numbered by scene, and the tag "scene" breaks results down.
    """
    names = scenes.split(SEPARATOR)
    if len(names) == 1:
        return split_views(read_views, root, scenes, validation, exclude, skip_faulty)
    if len(set(names)) < len(names):
        raise InputError(f"data.scene={scenes}: names a scene twice")
    for name in (*(validation or ()), *exclude):
        if not any(name.startswith(f"{scene}/") for scene in names):
            raise InputError(f"data.scene={scenes}: {name} is of none of them; write SCENE/{name}")
    joined = Splits({"train": [], "val": [], "test": []}, {}, {})
    for number, scene in enumerate(names):
        held_out = _within(scene, validation or ()) or None
        one = split_views(read_views, root, scene, held_out, _within(scene, exclude), skip_faulty)
        for split, views in one.views.items():
            joined.views[split].extend(_named(view, scene, number) for view in views)
        joined.excluded.update({f"{scene}/{name}": why for name, why in one.excluded.items()})
        joined.counts.update(one.counts)
    return joined


def _within(scene: str, names: Sequence[str]) -> list[str]:
    """What follows the scene in the names that begin with it."""
    return [name.removeprefix(f"{scene}/") for name in names if name.startswith(f"{scene}/")]


def _named(view: View, scene: str, number: int) -> View:
    return view._replace(
        name=f"{scene}/{view.name}",
        sequence=f"{scene}/{view.sequence}",
        tags={"scene": scene, **view.tags},
        scene=number,
    )
