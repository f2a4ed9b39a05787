"""A head of your own beside the package's: PoseNet, the capacity control and Hinted Residual.

    python examples/add_a_head.py [KEY=VALUE ...]     as for `hinted-posenet train`

The head is my_parts/head.py, its configs are my_parts/configs/head/weighted.yaml and method/weighted.yaml. The
same from the command line, in this folder:

    export HINTED_POSENET_EXTENSIONS=my_parts PYTHONPATH=.
    hinted-posenet train data=aerial data.scene=small_village method=weighted
"""

import sys

import small_village

PRIOR = "inference_hint=prior"  # the first hint is what the drone's GNSS says


def main(overrides: list[str]) -> None:
    """Train four networks, compare them on the test flight."""
    small_village.simulate()
    methods = {"posenet": [], "null_hint": [], "hinted_residual": [PRIOR], "weighted": [PRIOR]}
    runs = [
        small_village.train(f"method={method}", *words, *overrides)
        for method, words in methods.items()
    ]
    small_village.compare(runs, "add_a_head.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
