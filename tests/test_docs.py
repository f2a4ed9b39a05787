import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_code_blocks_run(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    assert blocks
    exec("\n".join(blocks), {})


def test_readme_commands_name_existing_things() -> None:
    readme = (ROOT / "README.md").read_text()
    for script in re.findall(r"(?:scripts|benchmarks)/\w+\.(?:sh|py)", readme):
        assert (ROOT / script).is_file(), script
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", readme):
        assert (ROOT / link).exists(), link
    for group, choice in re.findall(r"(recipe|method|backbone|rotation|loss|data)=(\w+)", readme):
        assert (ROOT / "configs" / group / f"{choice}.yaml").is_file(), f"{group}={choice}"
