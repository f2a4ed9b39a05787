"""Medians of published methods, from ``datasets/<name>/published.yaml``, printed beside ours but separately."""

from typing import Any, NamedTuple

from hinted_posenet.core.errors import InputError
from hinted_posenet.core.text import read_yaml
from hinted_posenet.data.dataset_card import datasets_folder, read_dataset_card
from hinted_posenet.evaluation.run_files import Run

AVERAGE = "average"  # over the scenes that the file names


class Published(NamedTuple):
    """What a paper reports of one method."""

    method: str
    medians: dict[str, tuple[float, float]]  # scene, or average -> metres and degrees
    caveat: str  # what makes the comparison unfair; may be empty
    source: str

    @property
    def title(self) -> str:
        """Name in a table; a star where there is a caveat."""
        return f"{self.method}*" if self.caveat else self.method

    @property
    def note(self) -> str:
        """The row's source and its caveat."""
        return f"{self.method}: {self.source}" + (f" (* {self.caveat})" if self.caveat else "")


def published_for(runs: list[Run]) -> list[Published]:
    """Return the published methods that are comparable: same dataset, ground truth, split and frame count.

    Raises:
        InputError: It names what differs.
    """
    data, split = runs[0].results["data"], runs[0].results["split"]
    content = _content(data["name"])
    theirs, ours = (content["ground_truth"], content["split"]), (data["ground_truth"], split)
    if theirs != ours:
        raise InputError(
            f"published=true: those are of the {' ground truth and the '.join(theirs)} split, these runs of "
            f"{' and '.join(ours)}; they are not comparable"
        )
    scenes = read_dataset_card(data["name"]).scenes
    for run in runs:
        scene, frames = run.results["data"]["scene"], run.results["frames"][split]
        expected = scenes[scene].frames.get(split) if scene in scenes else None
        if frames != expected:
            raise InputError(
                f"published=true: those are of {expected} {split} frames of {scene}, {run.folder} has {frames}; "
                "they are not comparable"
            )
    return [_published(method, dict(entry)) for method, entry in content["methods"].items()]


def average_scenes(name: str) -> list[str]:
    """Return the scenes that a dataset's published averages are over."""
    return list(_content(name)["average_of"])


def _content(name: str) -> dict[str, Any]:
    path = datasets_folder() / name / "published.yaml"
    if not path.is_file():
        raise InputError(f"published=true: no published results are known for {name}")
    return dict(read_yaml(path))


def _published(method: str, entry: dict[str, Any]) -> Published:
    caveat, source = entry.pop("caveat", ""), entry.pop("source")
    medians = {scene: (float(t_m), float(r_deg)) for scene, (t_m, r_deg) in entry.items()}
    return Published(method, medians, caveat, source)
