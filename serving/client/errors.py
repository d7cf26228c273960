"""The exceptions of the client: one class for each cause, with a remedy in its message."""

from collections.abc import Mapping
from typing import ClassVar

import grpc

_LONGEST_DETAILS = 400


class ServingError(Exception):
    """A call failed; the message gives the cause and a remedy.

    Attributes:
      code: the gRPC status of the call; None for a failure without a status.
      details: the full error text of the server or of gRPC.
    """

    template: ClassVar[str] = (
        "The server at {address} ended the call with {code}{details}: see its log."
    )
    """The message, with fields for address, model, timeout in seconds, code and details."""

    def __init__(self, message: str, *, code: grpc.StatusCode | None = None, details: str = ""):
        super().__init__(message)
        self.code = code
        self.details = details


class InvalidSettings(ServingError, ValueError):
    """A setting of the client, or a file named in one, is invalid."""


class ClientClosed(ServingError):
    """The client was closed before or during the call."""


class InvalidReply(ServingError):
    """The response breaks the contract of its signature."""


class Unavailable(ServingError):
    """No server answered, or it was too busy, in all attempts."""

    template = (
        "No model server answers at {address}{details}: check if it runs, its address, and "
        "whether it requires TLS, or try again later."
    )


class DeadlineExceeded(ServingError):
    """No answer before the deadline, which covers all attempts."""

    template = (
        "The server at {address} did not answer within {timeout:g} seconds: give a longer timeout, "
        "or send less at once with a lower batch_size or max_in_flight."
    )


class ModelNotFound(ServingError):
    """The server does not serve this model, or not this version of it."""

    template = (
        "The server at {address} does not serve {model}{details}: check the name and the version, "
        "and that the server has loaded it."
    )


class InvalidRequest(ServingError):
    """The server or the model rejected the request as invalid."""

    template = (
        "The server at {address} rejected the request to {model}{details}: check version label and "
        "texts, and call check_model() to check that it is a translation model."
    )


class UnsuitableModel(ServingError):
    """The model lacks the signature, or has it in another form."""

    template = (
        "At {address}, {model} lacks the signature for this call{details}: call check_model() for "
        "all differences, and export and push it again."
    )


class ResourceExhausted(ServingError):
    """A message or the load exceeds a limit of the client or the server."""

    template = (
        "A limit of size or load was reached at {address}{details}: send less at once with a lower "
        "batch_size or max_in_flight, or raise max_message_bytes."
    )


class Unauthenticated(ServingError):
    """The server cannot identify the client."""

    template = (
        "The server at {address} cannot identify this client{details}: give the client key and "
        "certificate, or the headers, that it expects."
    )


class PermissionDenied(ServingError):
    """The server identified the client and does not allow the call."""

    template = (
        "The server at {address} does not allow this client to use {model}{details}: have its "
        "operator allow it, or use another client certificate or other headers."
    )


class NotAModelServer(ServingError):
    """A gRPC server listens at the address, but it has no TensorFlow Serving API."""

    template = (
        "The server at {address} does not know TensorFlow Serving's calls{details}: check the "
        "address and the port, which is 8500 by default."
    )


class ServerFailed(ServingError):
    """The server or its model failed during the call."""

    template = (
        "The server at {address} failed while {model} answered{details}: see its log, and try the "
        "model with `python -m serving.export.check`."
    )


class BatchFailed(ServingError):
    """The server ran the request in one batch with a malformed request of another client.

    The clients repeat such a request, filled up to `batch_size`. Only a server with a larger
    `max_batch_size` can fail it again.
    """

    template = (
        "At {address}, a malformed request of another client failed the batch of this one"
        "{details}: try again, and set batch_size to the server's max_batch_size."
    )


class CallCancelled(ServingError):
    """The server or a proxy cancelled the call."""

    template = "The call to {address} was cancelled{details}: try again, and see the server's log."


_BY_CODE: Mapping[grpc.StatusCode, type[ServingError]] = {
    grpc.StatusCode.CANCELLED: CallCancelled,
    grpc.StatusCode.DATA_LOSS: ServerFailed,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.FAILED_PRECONDITION: UnsuitableModel,
    grpc.StatusCode.INTERNAL: ServerFailed,
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: ModelNotFound,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequest,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.UNIMPLEMENTED: NotAModelServer,
    grpc.StatusCode.UNKNOWN: ServerFailed,
}


_OF_A_BATCH: Mapping[grpc.StatusCode, str] = {
    grpc.StatusCode.FAILED_PRECONDITION: "from different tasks have different shapes",
    grpc.StatusCode.INTERNAL: "Tensor concat operation failed",
}
"""Details of TensorFlow Serving's `batching_session.cc`, when the tensors of a batch do not fit."""


def error_of_status(
    code: grpc.StatusCode, details: str | None, *, address: str, model: str, timeout: float
) -> ServingError:
    """Returns the exception for a call that ended with a gRPC status other than OK.

    Args:
      code: the status; a status without its own class becomes a plain `ServingError`.
      details: the error text sent with it.
      address: the address of the server.
      model: a description of the model.
      timeout: the timeout of the call in seconds.
    """
    details = details or ""
    kind = _BY_CODE.get(code, ServingError)
    if code in _OF_A_BATCH and _OF_A_BATCH[code] in details:
        kind = BatchFailed
    said = " ".join(details.split())
    if len(said) > _LONGEST_DETAILS:
        said = said[:_LONGEST_DETAILS] + "..."
    message = kind.template.format(
        address=address,
        model=model,
        timeout=timeout,
        code=code.name,
        details=f" ({said})" if said else "",
    )
    return kind(message, code=code, details=details)
