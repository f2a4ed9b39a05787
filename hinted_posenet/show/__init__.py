"""Pictures and meshes of worlds and data sets: what `hinted-posenet show` draws."""
