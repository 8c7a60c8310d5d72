"""The workflows of docs/ci.md hold against the schemas that GitHub and GitLab publish."""

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from common.paths import ROOT

SCHEMAS = files("check_jsonschema") / "builtin_schemas" / "vendor"


class Document(yaml.SafeLoader):
    """YAML 1.2's plain words: `on` is a text, as the workflows' own readers have it."""


Document.yaml_implicit_resolvers = {
    first: [one for one in found if one[0] != "tag:yaml.org,2002:bool" or first in "tTfF"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def block(heading: str) -> Any:
    text = (ROOT / "docs" / "ci.md").read_text()
    found = re.search(rf"^## {heading}\n\n```yaml\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return yaml.load(found[1], Document)


@pytest.mark.parametrize(
    ("heading", "schema", "key"),
    [("GitHub Actions", "github-workflows.json", "jobs"), ("GitLab CI", "gitlab-ci.json", "attack")],
)
def test_the_workflow_is_one(heading: str, schema: str, key: str) -> None:
    known = json.loads((SCHEMAS / schema).read_text())
    workflow = block(heading)
    jsonschema.validate(workflow, known)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**workflow, key: {"runs-on": 5, "script": 5}}, known)
