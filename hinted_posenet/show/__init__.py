"""Pictures and meshes of worlds, data sets and runs: `hinted-posenet show`."""
