"""The input of `tensorflow_model_server`: its flags, and the messages of its files.

The messages are made here, because its Python package has only the one for `models.config`.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf import wrappers_pb2 as wrappers
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

# tensorflow_serving/model_servers/main.cc, without experimental flags and those for TPUs. The
# server only warns about an unknown flag and ignores it.
FLAGS = frozenset(
    (
        "allow_version_labels_for_unavailable_models",
        "batching_parameters_file",
        "enable_batching",
        "enable_grpc_healthcheck_service",
        "enable_model_warmup",
        "enable_per_model_batching_parameters",
        "enable_profiler",
        "enable_serialization_as_tensor_content",
        "enable_signature_method_name_check",
        "file_system_poll_wait_seconds",
        "flush_filesystem_caches",
        "grpc_channel_arguments",
        "grpc_max_threads",
        "grpc_socket_path",
        "load_retry_interval_micros",
        "max_num_load_retries",
        "model_base_path",
        "model_config_file",
        "model_config_file_poll_wait_seconds",
        "model_name",
        "monitoring_config_file",
        "num_load_threads",
        "num_request_iterations_for_warmup",
        "num_unload_threads",
        "per_process_gpu_memory_fraction",
        "platform_config_file",
        "port",
        "remove_unused_fields_from_bundle_metagraph",
        "rest_api_enable_cors_support",
        "rest_api_num_threads",
        "rest_api_port",
        "rest_api_timeout_in_ms",
        "saved_model_tags",
        "ssl_config_file",
        "tensorflow_inter_op_parallelism",
        "tensorflow_intra_op_parallelism",
        "tensorflow_session_config_file",
        "tensorflow_session_parallelism",
        "thread_pool_factory_config_file",
        "version",
    )
)

_Field = descriptor_pb2.FieldDescriptorProto
_INT64 = wrappers.Int64Value.DESCRIPTOR.full_name
_STRING = wrappers.StringValue.DESCRIPTOR.full_name
_BOOL = wrappers.BoolValue.DESCRIPTOR.full_name

# tensorflow_serving/servables/tensorflow/session_bundle_config.proto
_BATCHING = {
    "max_batch_size": _INT64,
    "batch_timeout_micros": _INT64,
    "max_enqueued_batches": _INT64,
    "num_batch_threads": _INT64,
    "thread_pool_name": _STRING,
    "allowed_batch_sizes": [_Field.TYPE_INT64],
    "pad_variable_length_inputs": _Field.TYPE_BOOL,
    "enable_large_batch_splitting": _BOOL,
    "max_execution_batch_size": _INT64,
}
# tensorflow_serving/config/monitoring_config.proto
_PROMETHEUS = {"enable": _Field.TYPE_BOOL, "path": _Field.TYPE_STRING}
_MONITORING = {"prometheus_config": "tensorflow.serving.PrometheusConfig"}


def _add_message(file: Any, name: str, fields: dict[str, Any]) -> None:
    """Adds a message with fields of a primitive type, or of the type named by a message.

    The field numbers are made up, since the text format has none.
    """
    message = file.message_type.add(name=name)
    for number, (field, kind) in enumerate(fields.items(), start=1):
        label = _Field.LABEL_OPTIONAL
        if isinstance(kind, list):
            label, [kind] = _Field.LABEL_REPEATED, kind
        added = message.field.add(name=field, number=number, label=label)
        if isinstance(kind, str):
            added.type, added.type_name = _Field.TYPE_MESSAGE, f".{kind}"
        else:
            added.type = kind


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="model_server_files.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers.DESCRIPTOR.name],
    )
    _add_message(file, "BatchingParameters", _BATCHING)
    _add_message(file, "PrometheusConfig", _PROMETHEUS)
    _add_message(file, "MonitoringConfig", _MONITORING)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles([file.name], pool)


_MESSAGES = _messages()


def parse_models(text: str) -> Any:
    """Reads a `models.config`; an unknown field is an error, as for the server."""
    return text_format.Parse(text, ModelServerConfig()).model_config_list


def parse_batching(text: str) -> Any:
    """Reads a `batching.config`."""
    return text_format.Parse(text, _MESSAGES["tensorflow.serving.BatchingParameters"]())


def parse_monitoring(text: str) -> Any:
    """Reads a `monitoring.config`."""
    return text_format.Parse(text, _MESSAGES["tensorflow.serving.MonitoringConfig"]())
