import pytest
from poses import random_poses

from hinted_posenet.models.encoding import SceneFrame


@pytest.fixture
def frame() -> SceneFrame:
    """Of a scene of 20 m or so around the origin."""
    frame = SceneFrame()
    frame.fit(random_poses(100))
    return frame
