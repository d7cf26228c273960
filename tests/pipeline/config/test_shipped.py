from importlib import resources

import pytest

from pipeline.config import strict_yaml
from pipeline.config.beam import BeamSettings
from pipeline.config.key_schema import KeySchema
from pipeline.config.settings import PipelineConfig, load_config, shipped_configs

SCHEMA = KeySchema(PipelineConfig)


def _text(name: str) -> str:
    return (resources.files("pipeline.config") / "shipped" / f"{name}.yaml").read_text(
        encoding="utf-8"
    )


def test_there_is_one_configuration_for_each_corpus_that_can_be_fetched() -> None:
    assert shipped_configs() == ["debian", "multi30k", "tatoeba"]


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_configuration_loads_under_its_own_name(name: str) -> None:
    config = load_config(name)
    assert (config.name, config.data.corpus) == (name, name)


@pytest.mark.parametrize("name", shipped_configs())
def test_a_shipped_configuration_names_every_key_in_the_order_of_the_schema(name: str) -> None:
    written = [".".join(path) for path in strict_yaml.parse(_text(name)).lines]
    assert [key for key in written if key not in SCHEMA.sections] == SCHEMA.keys


@pytest.mark.parametrize("name", shipped_configs())
def test_every_key_of_a_shipped_configuration_explains_itself(name: str) -> None:
    document = strict_yaml.parse(_text(name))
    lines = _text(name).splitlines()
    silent = [
        ".".join(path)
        for path, line in document.lines.items()
        if ".".join(path) in SCHEMA.keys and "  # " not in lines[line - 1]
    ]
    assert silent == []


@pytest.mark.parametrize("name", shipped_configs())
def test_beam_runs_on_this_machine_unless_told_otherwise(name: str) -> None:
    assert load_config(name).beam == BeamSettings()
