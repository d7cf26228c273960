"""Errors of requests: a gRPC status code and a sentence. REST maps the code to an HTTP status."""

from collections.abc import Mapping

import grpc

_LONGEST_SENTENCE = 1000
"""gRPC sends the sentence as a header, which must be short. A client may send a long name."""

HTTP_STATUS: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
}
"""TensorFlow Serving's table; any other code is 500."""


class RequestError(Exception):
    """A request cannot be answered; `code` and `sentence` give the reason."""

    def __init__(self, code: grpc.StatusCode, sentence: str):
        if len(sentence) > _LONGEST_SENTENCE:
            sentence = sentence[: _LONGEST_SENTENCE - 3] + "..."
        # A name from JSON may hold half a surrogate pair, which no header can carry.
        sentence = sentence.encode("utf-8", errors="replace").decode("utf-8")
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def invalid(sentence: str) -> RequestError:
    """Returns the error of an invalid request."""
    return RequestError(grpc.StatusCode.INVALID_ARGUMENT, sentence)


def not_found(sentence: str) -> RequestError:
    """Returns the error of a request for an unknown model or version."""
    return RequestError(grpc.StatusCode.NOT_FOUND, sentence)


def too_late() -> RequestError:
    """Returns the error of a request after its deadline."""
    return RequestError(grpc.StatusCode.DEADLINE_EXCEEDED, "The request's deadline has passed.")


def shutting_down() -> RequestError:
    """Returns the error of a request received during the shutdown."""
    return RequestError(grpc.StatusCode.UNAVAILABLE, "The server is shutting down.")


def code_of_number(number: int) -> grpc.StatusCode:
    """Returns the status code with a number. TensorFlow numbers its errors as gRPC does."""
    return _BY_NUMBER.get(number, grpc.StatusCode.INTERNAL)


_BY_NUMBER = {code.value[0]: code for code in grpc.StatusCode}
