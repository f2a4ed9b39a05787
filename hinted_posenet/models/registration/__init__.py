"""Registration of images from above to a ground map."""
