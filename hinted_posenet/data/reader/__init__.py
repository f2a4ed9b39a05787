"""Readers of data sets on disk, one a file: ``read_views(root, scene, split)``, its layout on top."""
