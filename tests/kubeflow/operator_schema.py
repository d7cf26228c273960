"""The Flink Kubernetes operator's own schema of its objects, from its Java package."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

JARS = Path(__file__).parents[2] / ".tools" / "flink" / "crds"
_DEFINITION = "META-INF/fabric8/{}.flink.apache.org-v1.yml"


def operator_schema(plural: str) -> dict[str, Any]:
    """Returns the JSON schema of a kind, with unknown fields as errors; skips if it is missing.

    Args:
      plural: the kind's name in addresses, such as `flinkdeployments`.
    """
    jars = sorted(JARS.glob("flink-kubernetes-operator-api-*.jar"))
    if not jars:
        pytest.skip("the operator's definitions are not here: `make test-flink` fetches them")
    with zipfile.ZipFile(jars[-1]) as jar:
        definition = yaml.safe_load(jar.read(_DEFINITION.format(plural)))
    [version] = definition["spec"]["versions"]
    return _closed(version["schema"]["openAPIV3Schema"])


def _closed(schema: Any) -> Any:
    """Turns a structural schema of Kubernetes into a JSON schema without other fields."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    closed = {
        # Below `properties` are names, and one of them may be `properties` or `type`.
        key: {name: _closed(each) for name, each in value.items()}
        if key == "properties"
        else _closed(value)
        for key, value in schema.items()
    }
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed["additionalProperties"] = False
    return closed
