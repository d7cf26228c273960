import pickle

import grpc
import pytest

from serving.client import errors
from serving.client.errors import ServingError, error_of_status

# All of gRPC's statuses except OK (grpc/doc/statuscodes.md).
KINDS = {
    "ABORTED": errors.ServingError,
    "ALREADY_EXISTS": errors.ServingError,
    "CANCELLED": errors.CallCancelled,
    "DATA_LOSS": errors.ServerFailed,
    "DEADLINE_EXCEEDED": errors.DeadlineExceeded,
    "FAILED_PRECONDITION": errors.UnsuitableModel,
    "INTERNAL": errors.ServerFailed,
    "INVALID_ARGUMENT": errors.InvalidRequest,
    "NOT_FOUND": errors.ModelNotFound,
    "OUT_OF_RANGE": errors.InvalidRequest,
    "PERMISSION_DENIED": errors.PermissionDenied,
    "RESOURCE_EXHAUSTED": errors.ResourceExhausted,
    "UNAUTHENTICATED": errors.Unauthenticated,
    "UNAVAILABLE": errors.Unavailable,
    "UNIMPLEMENTED": errors.NotAModelServer,
    "UNKNOWN": errors.ServerFailed,
}


def make_error(code: grpc.StatusCode, details: str | None = "queue is full") -> ServingError:
    return error_of_status(
        code, details, address="host:8500", model="version 3 of model 'debian'", timeout=2.5
    )


def test_every_status_is_in_the_table():
    assert set(KINDS) == {code.name for code in grpc.StatusCode} - {"OK"}


@pytest.mark.parametrize("name", KINDS)
def test_each_status_has_its_exception_with_a_sentence_that_says_what_to_do(name):
    error = make_error(grpc.StatusCode[name])
    assert type(error) is KINDS[name]
    assert error.code is grpc.StatusCode[name]
    assert "host:8500" in str(error)
    assert ": " in str(error)
    assert str(error).endswith(".")
    assert "{" not in str(error)


def test_the_words_of_the_server_are_in_the_sentence():
    assert "(queue is full)" in str(make_error(grpc.StatusCode.UNAVAILABLE))


def test_a_server_without_words_leaves_no_gap():
    assert "  " not in str(make_error(grpc.StatusCode.INTERNAL, None))
    assert "()" not in str(make_error(grpc.StatusCode.INTERNAL, ""))


def test_the_model_is_named_when_it_is_not_found():
    assert "version 3 of model 'debian'" in str(make_error(grpc.StatusCode.NOT_FOUND))


def test_the_time_that_was_given_is_named():
    assert "within 2.5 seconds" in str(make_error(grpc.StatusCode.DEADLINE_EXCEEDED))


def test_long_words_become_one_short_line_and_are_kept_in_full():
    error = make_error(grpc.StatusCode.INTERNAL, "{node}\n" * 1000)
    assert len(str(error)) < 1000
    assert "\n" not in str(error)
    assert error.details == "{node}\n" * 1000


def test_wrong_settings_are_also_a_value_error():
    assert issubclass(errors.InvalidSettings, ValueError)


def test_an_error_reaches_another_process_whole():
    error = pickle.loads(pickle.dumps(make_error(grpc.StatusCode.NOT_FOUND)))
    assert (type(error), error.code) == (errors.ModelNotFound, grpc.StatusCode.NOT_FOUND)
