from functools import reduce
from importlib import resources
from typing import Any

import pytest

from pipeline.config import strict_yaml
from pipeline.config.beam import BeamSettings
from pipeline.config.settings import PipelineConfig, load_config, shipped_configs
from pipeline.corpora.shipped import SHIPPED


def test_there_is_one_configuration_for_each_corpus_that_can_be_fetched() -> None:
    assert shipped_configs() == sorted(SHIPPED)


_MISSING = object()
"""Of a key that has no default, such as one of `data.weights`."""


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_configuration_loads_under_its_own_name(name: str) -> None:
    config = load_config(name)
    assert (config.name, config.data.corpus) == (name, name)


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_configuration_holds_only_what_differs_from_the_defaults(name: str) -> None:
    minimal = {
        "name": "minimal",
        "data": {"corpus": "minimal", "source_language": "xx", "target_language": "yy"},
    }
    defaults = PipelineConfig.model_validate(minimal).model_dump(by_alias=True)
    written = (resources.files("pipeline.config") / "shipped" / f"{name}.yaml").read_text("utf-8")
    document = strict_yaml.parse(written)

    def value(values: dict[str, Any], path: tuple[str, ...]) -> Any:
        return reduce(lambda part, key: part.get(key, _MISSING), path, values)

    repeated = [
        path for path in document.lines if value(document.values, path) == value(defaults, path)
    ]
    assert repeated == []


@pytest.mark.parametrize("name", shipped_configs())
def test_beam_runs_on_this_machine_unless_told_otherwise(name: str) -> None:
    assert load_config(name).beam == BeamSettings()
