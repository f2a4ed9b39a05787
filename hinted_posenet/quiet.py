"""Lightning's chatter, silenced: what it says of devices and workers is no news to a user here."""

import logging
import warnings

IGNORED = (
    ".*LeafSpec.*deprecated.*",  # Lightning 2.6 on torch 2.14
    ".*does not have many workers.*",  # features are in memory
    ".*in eval mode at the start of training.*",  # what is frozen stays in it
    ".*exists and is not empty.*",  # a resumed run
    ".*is smaller than the logging interval.*",
)


def quiet_lightning() -> None:
    """Warnings and errors only, and no tips."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in IGNORED:
        warnings.filterwarnings("ignore", message=message)
