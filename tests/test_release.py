"""Versions agree, and what surrounds the code is well formed: workflow, issue templates, citation, model card."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from tiny import Workspace, results

ROOT = Path(__file__).parents[1]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_changelog_and_citation_have_the_version_and_its_date():
    newest = re.search(
        r"^## \[(.*?)\] - (\d{4}-\d\d-\d\d)$", (ROOT / "CHANGELOG.md").read_text(), re.M
    )
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert newest and newest.groups() == (VERSION, citation["date-released"])
    assert citation["version"] == VERSION


def test_citation_has_the_keys_that_its_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert {"title", "message", "authors", "license"} <= citation.keys()
    assert citation["type"] in ("software", "dataset")
    people = citation["authors"] + [a for ref in citation["references"] for a in ref["authors"]]
    assert all("name" in person or "family-names" in person for person in people)
    assert all(
        {"type", "title", "authors"} <= reference.keys() for reference in citation["references"]
    )


def test_the_workflow_runs_what_has_to_pass_and_nothing_else_of_ours():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step][-1] == "bash .ci/run"
    (python,) = [step["with"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
    assert python["python-version"] == "3.11" and python["cache"] == "pip"
    setup = (ROOT / "scripts/setup.sh").read_text()
    (install,) = [step["run"] for step in job["steps"] if "apt-get" in step.get("run", "")]
    libraries = re.findall(r"\.so\.\d+:([\w.-]+)", setup)
    assert libraries and set(libraries) <= set(install.split())


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_an_issue_template_has_the_keys_that_its_format_asks_for(path):
    template = yaml.safe_load(path.read_text())
    assert {"name", "description", "labels", "body"} <= template.keys()
    assert len({part["id"] for part in template["body"]}) == len(template["body"])
    for part in template["body"]:
        assert part["type"] in ("input", "textarea", "dropdown")
        assert part["attributes"]["label"]
        assert isinstance(part["validations"]["required"], bool)
    assert any(part["validations"]["required"] for part in template["body"])


def test_the_issue_templates_are_these():
    assert [path.stem for path in TEMPLATES] == ["bug", "data_set", "feature"]


def test_the_model_card_names_what_results_hold(tmp_path):
    found = results(Workspace(tmp_path).train("method=posenet"))
    names = re.findall(r"\(`([a-z_.]+)`\)", (ROOT / "docs/templates/model-card.md").read_text())
    assert len(names) > 10
    for name in names:
        node = found
        for part in name.split("."):
            assert part in node, name
            node = node[part]
