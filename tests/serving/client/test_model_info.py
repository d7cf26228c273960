import pytest

from serving.client.errors import InvalidReply, InvalidSettings
from serving.client.model_info import (
    ModelChoice,
    ModelMetadata,
    Signature,
    TensorDescription,
    VersionState,
    read_metadata,
    read_status,
)
from serving.contract.signatures import CONTRACTS
from serving.protocol.messages import GET_MODEL_METADATA, GET_MODEL_STATUS

# tensorflow_serving/apis/get_model_status.proto
STATES = {0: "UNKNOWN", 10: "START", 20: "LOADING", 30: "AVAILABLE", 40: "UNLOADING", 50: "END"}


def described(tensors) -> dict[str, TensorDescription]:
    return {
        name: TensorDescription(tensor.dtype, (-1,) * tensor.ranks[0])
        for name, tensor in tensors.items()
    }


def make_metadata() -> ModelMetadata:
    """Returns the metadata of a model that keeps the contract."""
    return ModelMetadata(
        version=1,
        signatures={
            name: Signature(described(contract.inputs), described(contract.outputs))
            for name, contract in CONTRACTS.items()
        },
    )


def test_a_model_is_asked_for_its_live_version_unless_one_is_chosen():
    assert ModelChoice("m").spec().WhichOneof("version_choice") is None
    assert ModelChoice("m", version=0).spec().version.value == 0
    assert ModelChoice("m", label="stable").spec().version_label == "stable"


def test_a_request_names_its_signature():
    assert ModelChoice("m").spec("n_best").signature_name == "n_best"


@pytest.mark.parametrize(
    "choice",
    [
        {"name": ""},
        {"name": "m", "version": 1, "label": "stable"},
        {"name": "m", "version": -1},
        {"name": "m", "version": 1 << 63},
    ],
)
def test_a_choice_that_contradicts_itself_is_refused(choice):
    with pytest.raises(InvalidSettings):
        ModelChoice(**choice)


def test_versions_are_read_with_their_states_the_highest_first():
    reply = GET_MODEL_STATUS.reply()
    for number in STATES:
        reply.model_version_status.add(version=number, state=number)
    statuses = read_status(reply)
    assert [status.version for status in statuses] == sorted(STATES, reverse=True)
    assert {status.version: status.state.name for status in statuses} == STATES


def test_a_state_that_came_after_this_protocol_is_unknown():
    reply = GET_MODEL_STATUS.reply()
    reply.model_version_status.add(version=1, state=99)
    assert read_status(reply)[0].state is VersionState.UNKNOWN


def test_a_version_that_failed_says_why():
    reply = GET_MODEL_STATUS.reply()
    reply.model_version_status.add(version=1, state=50).status.error_message = "out of memory"
    assert read_status(reply)[0].problem == "out of memory"


def test_a_model_that_keeps_the_contract_has_no_problems():
    assert make_metadata().problems() == []


@pytest.mark.parametrize("name", ["serving_default", "n_best", "score"])
def test_a_signature_that_is_missing_is_named(name):
    metadata = make_metadata()
    signatures = {key: value for key, value in metadata.signatures.items() if key != name}
    assert ModelMetadata(1, signatures).problems() == [f"signature {name!r} is missing"]


@pytest.mark.parametrize(
    ("side", "name", "description", "problem"),
    [
        ("inputs", "words", TensorDescription("string", (-1,)), "takes the inputs ['text', 'words"),
        ("inputs", "text", TensorDescription("int64", (-1,)), "input 'text' of 'n_best' is int64"),
        ("inputs", "text", TensorDescription("string", (-1, 2)), "has rank 2, not 1"),
        ("outputs", "score", None, "'n_best' lacks the output 'score'"),
        ("outputs", "score", TensorDescription("DT_HALF", (-1, -1)), "is DT_HALF, not float32"),
        ("outputs", "source_tokens", TensorDescription("string", ()), "rank 0, not 2 or 3"),
    ],
)
def test_a_tensor_that_is_not_as_the_contract_says_is_named(side, name, description, problem):
    metadata = make_metadata()
    tensors = getattr(metadata.signatures["n_best"], side)
    tensors.pop(name, None)
    if description is not None:
        tensors[name] = description
    problems = metadata.problems()
    assert len(problems) == 1
    assert problem in problems[0]


def test_an_output_of_unknown_rank_may_be_right():
    metadata = make_metadata()
    metadata.signatures["n_best"].outputs["score"] = TensorDescription("float32", None)
    assert metadata.problems() == []


@pytest.mark.parametrize("content", [None, b"\xff\xff"])
def test_metadata_without_signatures_is_an_error(content):
    reply = GET_MODEL_METADATA.reply()
    if content is not None:
        packed = reply.metadata["signature_def"]
        packed.type_url = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
        packed.value = content
    with pytest.raises(InvalidReply, match="holds no signatures"):
        read_metadata(reply)
