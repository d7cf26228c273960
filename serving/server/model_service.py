"""`tensorflow.serving.ModelService`: the states of the versions, and a new version policy."""

import os
from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf import message_factory

from serving.protocol import messages
from serving.server.directory_watcher import DirectoryWatcher
from serving.server.errors import invalid
from serving.server.grpc_calls import unary
from serving.server.metrics import Metrics
from serving.server.requests import Target, read_target
from serving.server.version_policy import read_policy
from serving.server.versions import Versions, VersionStatus

_RELOAD = messages.POOL.FindServiceByName(messages.MODEL_SERVICE).methods_by_name[
    "HandleReloadConfigRequest"
]
RELOAD_CONFIG = messages.Method(
    f"/{messages.MODEL_SERVICE}/{_RELOAD.name}",
    message_factory.GetMessageClass(_RELOAD.input_type),
    message_factory.GetMessageClass(_RELOAD.output_type),
)
_PLATFORMS = ("", "tensorflow")


def model_service(
    versions: Versions, watcher: DirectoryWatcher, folder: str, metrics: Metrics
) -> grpc.GenericRpcHandler:
    """Returns the handler of the service.

    Args:
      versions: the versions of the model.
      watcher: receives the policy of a new configuration.
      folder: the model directory, the only one allowed in a configuration.
      metrics: counts the calls.
    """

    def get_model_status(request: Any, _: grpc.ServicerContext) -> Any:
        return model_status(versions, read_target(request))

    def reload_config(request: Any, _: grpc.ServicerContext) -> Any:
        config = _only_config(request.config, versions.name, folder)
        policy = read_policy(config.model_version_policy)
        watcher.check_policy(policy)
        # Before the policy, as in TensorFlow Serving: a label needs a version already served.
        versions.set_labels(dict(config.version_labels))
        watcher.set_policy(policy)
        return RELOAD_CONFIG.reply(status={})

    return grpc.method_handlers_generic_handler(
        messages.MODEL_SERVICE,
        {
            "GetModelStatus": unary(messages.GET_MODEL_STATUS, get_model_status, metrics),
            "HandleReloadConfigRequest": unary(RELOAD_CONFIG, reload_config, metrics),
        },
    )


def model_status(versions: Versions, target: Target) -> Any:
    """Returns a `GetModelStatusResponse`.

    Raises:
      RequestError: the model or the version is unknown.
    """
    statuses: Sequence[VersionStatus] = versions.statuses_of(target)
    response = messages.GET_MODEL_STATUS.reply()
    for status in reversed(statuses):  # the highest first, as in TensorFlow Serving
        entry = response.model_version_status.add(version=status.number, state=int(status.state))
        entry.status.error_code = status.code.value[0]
        entry.status.error_message = status.problem
    return response


def _only_config(config: Any, name: str, folder: str) -> Any:
    """Returns the configuration of the one model of this server.

    Raises:
      RequestError: it lists another model or folder. A client must not be able to load any file on
        the server's disk.
    """
    if config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by HandleReloadConfigRequest. "
            "Only ModelConfigList is currently supported"
        )
    listed = config.model_config_list.config
    if [each.name for each in listed] != [name]:
        raise invalid(f"This server serves one model: list {name}, once, and no other.")
    (only,) = listed
    if only.model_platform not in _PLATFORMS:
        raise invalid(f"Model {name} requests unsupported platform {only.model_platform}")
    if only.base_path and os.path.realpath(only.base_path) != os.path.realpath(folder):
        raise invalid(f"This server serves {name} from {folder}; its base_path cannot change.")
    return only
