import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))  # so that any test can `import fakes`


@pytest.fixture
def real_data() -> Path:
    default = TESTS.parents[1] / "shared" / "data"
    folder = Path(os.environ.get("HINTED_POSENET_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; set HINTED_POSENET_DATA")
    return folder
