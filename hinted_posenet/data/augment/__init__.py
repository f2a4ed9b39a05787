"""Augmentation of a batch on its device: new views with exact poses, then colour, light, weather and sensor."""

from hinted_posenet.data.augment.augment import Augment

__all__ = ["Augment"]
