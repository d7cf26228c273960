"""The Flink Kubernetes operator's own schema of its objects, from its Java package."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

JARS = Path(__file__).parents[2] / ".tools" / "flink" / "crds"
_DEFINITION = "META-INF/fabric8/{}.flink.apache.org-v1.yml"


def operator_schema(plural: str) -> dict[str, Any]:
    """The JSON schema of a kind, in which an unknown field is an error; skips where it is missing.

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
    """A structural schema of Kubernetes as a JSON schema that allows no field but its own."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    closed = {
        # Below `properties` stand names, of which one may be `properties` or `type` itself.
        key: {name: _closed(each) for name, each in value.items()}
        if key == "properties"
        else _closed(value)
        for key, value in schema.items()
    }
    if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
        closed["additionalProperties"] = False
    return closed
