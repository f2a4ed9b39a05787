r"""A hint source of your own: a grid cell instead of a GNSS fix, beside the fix itself and no hint at all.

    python examples/add_a_hint_source.py [KEY=VALUE ...]     as for `hinted-posenet train`

The source is my_parts/hint_source.py; it is a choice of two groups, my_parts/configs/train_hint/cell.yaml and
inference_hint/cell.yaml. The same from the command line, in this folder:

    export HINTED_POSENET_EXTENSIONS=my_parts PYTHONPATH=.
    hinted-posenet train data=aerial data.scene=small_village method=hinted_residual \
        train_hint=cell inference_hint=cell
"""

import sys

import small_village


def main(overrides: list[str]) -> None:
    """Train one head on three kinds of hints, compare them on the test flight."""
    small_village.simulate()
    methods = {
        "null_hint": ["method=null_hint"],
        "cell": ["method=hinted_residual", "train_hint=cell", "inference_hint=cell"],
        "gnss": ["method=hinted_residual", "inference_hint=prior"],
    }
    runs = [
        small_village.train(*words, f"name={name}", "refinement_steps=1", *overrides)
        for name, words in methods.items()
    ]
    small_village.compare(runs, "add_a_hint_source.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
