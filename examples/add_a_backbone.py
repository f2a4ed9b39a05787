"""A backbone of your own, trained from scratch, beside the frozen one of ImageNet and a frozen random one.

    python examples/add_a_backbone.py [KEY=VALUE ...]     as for `hinted-posenet train`

The backbone is my_parts/backbone.py, its config my_parts/configs/backbone/small.yaml. The same from the
command line, in this folder:

    export HINTED_POSENET_EXTENSIONS=my_parts PYTHONPATH=.
    hinted-posenet train data=aerial data.scene=small_village backbone=small
"""

import sys

import small_village


def main(overrides: list[str]) -> None:
    """Train PoseNet on three backbones, compare them on the test flight."""
    small_village.simulate()
    backbones = {
        "imagenet": ["backbone=tf_efficientnet_lite0"],
        "random": ["backbone=tf_efficientnet_lite0", "backbone.weights=null"],
        "small": ["backbone=small", "batch_size=32"],
    }
    runs = [
        small_village.train(*words, f"name={name}", *overrides) for name, words in backbones.items()
    ]
    small_village.compare(runs, "add_a_backbone.jpg")


if __name__ == "__main__":
    main(sys.argv[1:])
