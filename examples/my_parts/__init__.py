"""An extension: parts of your own beside hinted_posenet's, laid out as that package is. Copy and change it."""
