"""hinted-posenet evaluate."""

from typing import Any

from hinted_posenet.training.settings import EvaluateSettings, MovedData

SCHEMAS = {"": EvaluateSettings, "data": MovedData}


def run(config: dict[str, Any]) -> None:
    """Score a checkpoint beside its controls."""
    from hinted_posenet.training.evaluate import evaluate

    evaluate(config)
