"""CuratedSchemaGen: imports the reviewed schema of the raw example into the pipeline.

The cache key of the stock ImportSchemaGen holds only the path of the schema, so it would miss an
edit of the file. Here the content is part of the key.
"""

import hashlib

from tfx import types
from tfx.components.schema_gen.import_schema_gen.executor import Executor
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts, standard_component_specs
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from components.parallel_text import curated_schema_path


class CuratedSchemaGenSpec(ComponentSpec):
    """ImportSchemaGen's parameters and a digest of the file."""

    PARAMETERS = {  # noqa: RUF012 - the base class declares these three as instance variables
        standard_component_specs.SCHEMA_FILE_KEY: ExecutionParameter(type=str),
        "schema_digest": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        standard_component_specs.SCHEMA_KEY: ChannelParameter(type=standard_artifacts.Schema),
    }


class CuratedSchemaGen(base_component.BaseComponent):
    """Imports a schema file; its node is called `SchemaGen`.

    Args:
        schema_file: text protobuf of the schema; by default the one shipped with this package.
    """

    SPEC_CLASS = CuratedSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema_file: str | None = None) -> None:
        path = schema_file or curated_schema_path()
        spec = CuratedSchemaGenSpec(
            schema_file=path,
            schema_digest=hashlib.sha256(io_utils.read_bytes_file(path)).hexdigest(),
            schema=types.Channel(type=standard_artifacts.Schema),
        )
        super().__init__(spec=spec)
        self.with_id("SchemaGen")
