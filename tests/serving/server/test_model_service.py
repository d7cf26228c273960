"""The service, called with the unchanged official stubs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.local.saved_model import ModelLoadError
from serving.server.loaded_model import LoadedModel
from tests.serving.server.fake_model import (
    NAME,
    fake_load,
    make_version,
    running_server,
    settings_for,
    wait_for,
)

Code = grpc.StatusCode
State = get_model_status_pb2.ModelVersionStatus.State


def _load(path: str, number: int) -> LoadedModel:
    """Loads a version; fails if a file is missing."""
    if number == 13:
        raise ModelLoadError("Version 13 is damaged.")
    return fake_load(path, number)


class Client:
    """A client for both services of a server, with the folder of its versions."""

    def __init__(self, folder: Path, channel: grpc.Channel):
        self.folder = folder
        self._models = model_service_pb2_grpc.ModelServiceStub(channel)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def status(self, **spec: Any) -> dict[int, tuple[str, int, str]]:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = spec.get("name", NAME)
        if "version" in spec:
            request.model_spec.version.value = spec["version"]
        if "label" in spec:
            request.model_spec.version_label = spec["label"]
        return {
            each.version: (
                State.Name(each.state),
                each.status.error_code,
                each.status.error_message,
            )
            for each in self._models.GetModelStatus(request).model_version_status
        }

    def states(self) -> dict[int, str]:
        return {version: status[0] for version, status in self.status().items()}

    def reload(self, **changes: Any) -> Any:
        """Sends a configuration of the model, with changes of its `policy` or `labels`."""
        request = model_management_pb2.ReloadConfigRequest()
        config = request.config.model_config_list.config.add(
            name=changes.get("name", NAME),
            base_path=changes.get("base_path", str(self.folder)),
            model_platform=changes.get("platform", "tensorflow"),
        )
        policy = config.model_version_policy
        match changes.get("policy"):
            case "all":
                policy.all.SetInParent()
            case int(number):
                policy.latest.num_versions = number
            case list(versions):
                policy.specific.versions.extend(versions)
        config.version_labels.update(changes.get("labels", {}))
        return self._models.HandleReloadConfigRequest(request)

    def send(self, request: Any) -> Any:
        return self._models.HandleReloadConfigRequest(request)

    def answering_version(self, **spec: str) -> int:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = NAME
        if "label" in spec:
            request.model_spec.version_label = spec["label"]
        request.inputs["text"].dtype = 7
        request.inputs["text"].tensor_shape.dim.add(size=1)
        request.inputs["text"].string_val.append(b"a")
        return self._predictions.Predict(request).model_spec.version.value


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    for number in (1, 2, 3):
        make_version(tmp_path, number)
    with (
        running_server(settings_for(tmp_path), _load) as server,
        grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield Client(tmp_path, channel)


def _refusal(call: Any) -> tuple[Code, str]:
    with pytest.raises(grpc.RpcError) as refused:
        call()
    return refused.value.code(), refused.value.details()


def test_at_first_the_highest_version_is_served(client):
    assert client.status() == {3: ("AVAILABLE", 0, "")}
    assert client.status(version=3) == client.status()


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"name": "other"}, "Could not find any versions of model other"),
        ({"version": 9}, f"Could not find version 9 of model {NAME}"),
    ],
)
def test_what_is_not_known_is_not_found(client, spec, sentence):
    assert _refusal(lambda: client.status(**spec)) == (Code.NOT_FOUND, sentence)


def test_a_new_version_takes_over_and_the_old_one_ends(client):
    make_version(client.folder, 4)
    wait_for(lambda: client.states() == {3: "END", 4: "AVAILABLE"})
    assert client.answering_version() == 4


def test_a_version_that_cannot_be_loaded_says_why_and_the_old_one_serves_on(client):
    make_version(client.folder, 13)
    wait_for(lambda: client.states().get(13) == "END")
    assert client.status() == {
        3: ("AVAILABLE", 0, ""),
        13: ("END", Code.UNKNOWN.value[0], "Version 13 is damaged."),
    }
    assert client.answering_version() == 3


def test_an_incomplete_version_says_what_it_lacks(client):
    (client.folder / "4").mkdir()
    wait_for(lambda: 4 in client.states())
    assert client.status(version=4) == {
        4: ("START", Code.UNAVAILABLE.value[0], "saved_model.pb is missing or empty")
    }


@pytest.mark.parametrize(
    ("policy", "served"), [("all", [3, 2, 1]), (2, [3, 2]), ([1, 3], [3, 1]), (None, [3])]
)
def test_a_policy_chooses_the_versions(client, policy, served):
    assert client.reload(policy=policy).status.error_code == 0
    states = client.states()
    assert [version for version, state in states.items() if state == "AVAILABLE"] == served


def test_going_back_to_an_older_version_is_a_policy(client):
    client.reload(policy=[2])
    assert (client.answering_version(), client.states()) == (2, {2: "AVAILABLE", 3: "END"})


def test_a_policy_of_a_version_that_is_not_there_is_refused_and_changes_nothing(client):
    code, sentence = _refusal(lambda: client.reload(policy=[2, 9], labels={"stable": 3}))
    assert (code, sentence) == (Code.NOT_FOUND, f"There is no version 9 in {client.folder}.")
    assert client.states() == {3: "AVAILABLE"}
    assert _refusal(lambda: client.status(label="stable"))[0] is Code.INVALID_ARGUMENT


def test_a_label_stands_for_a_version(client):
    client.reload(policy="all")
    client.reload(policy="all", labels={"stable": 2, "canary": 3})
    assert client.answering_version(label="stable") == 2
    assert client.answering_version(label="canary") == 3
    assert client.status(label="stable") == {2: ("AVAILABLE", 0, "")}


def test_a_label_goes_only_to_a_version_that_is_served(client):
    assert _refusal(lambda: client.reload(labels={"stable": 1})) == (
        Code.FAILED_PRECONDITION,
        f"Request to assign label to version 1 of model {NAME}, "
        "which is not currently available for inference",
    )


def test_labels_are_replaced_by_the_next_configuration(client):
    client.reload(labels={"stable": 3})
    client.reload(labels={"canary": 3})
    code, sentence = _refusal(lambda: client.answering_version(label="stable"))
    assert (code, sentence) == (
        Code.INVALID_ARGUMENT,
        "Unrecognized servable version label: stable",
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"base_path": "/etc"},
        {"platform": "pytorch"},
    ],
)
def test_another_model_than_its_own_is_refused(client, changes):
    assert _refusal(lambda: client.reload(**changes))[0] is Code.INVALID_ARGUMENT
    assert client.states() == {3: "AVAILABLE"}


def test_a_configuration_without_a_list_is_refused(client):
    request = model_management_pb2.ReloadConfigRequest()
    assert _refusal(lambda: client.send(request))[0] is Code.INVALID_ARGUMENT
    request.config.model_config_list.SetInParent()
    assert _refusal(lambda: client.send(request))[0] is Code.INVALID_ARGUMENT
