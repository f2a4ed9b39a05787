import re
from pathlib import Path

import pytest

from hinted_posenet.cli.help import DATA_VERBS, VERBS

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_code_blocks_run(page: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    assert blocks
    exec("\n".join(blocks), {})


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += sorted((ROOT / "datasets").glob("*/README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_existing_things(page: Path) -> None:
    text = page.read_text()
    for script in re.findall(r"(?:scripts|benchmarks)/\w+\.(?:sh|py)", text):
        assert (ROOT / script).is_file(), script
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for verb in re.findall(r"hinted-posenet (data \w+|\w+)", text):
        assert verb == "data VERB" or verb.split()[-1] in {**VERBS, **DATA_VERBS}, verb
    for key in re.findall(r"`((?:data|augment)\.\w+)[=`]", text):
        group, name = key.split(".")
        files = [path.read_text() for path in (ROOT / "configs" / group).glob("*.yaml")]
        assert any(re.search(rf"^{name}:", file, flags=re.MULTILINE) for file in files), key


def test_readme_names_existing_choices() -> None:
    readme = (ROOT / "README.md").read_text()
    for group, choice in re.findall(r"(recipe|method|backbone|rotation|loss|data)=(\w+)", readme):
        assert (ROOT / "configs" / group / f"{choice}.yaml").is_file(), f"{group}={choice}"
