"""What can go wrong when a model server is asked: an exception for each reason, with its remedy."""

from collections.abc import Mapping
from typing import ClassVar

import grpc

_LONGEST_DETAILS = 400


class ServingError(Exception):
    """A model server gave no answer; the message is a sentence that says what to do.

    Attributes:
      code: the gRPC status that ended the call; None where it was not a status.
      details: what the server, or gRPC, said of it, in full.
    """

    template: ClassVar[str] = (
        "The server at {address} ended the call with {code}{details}: see its log."
    )
    """The message, with places for address, model, timeout in seconds, code and details."""

    def __init__(self, message: str, *, code: grpc.StatusCode | None = None, details: str = ""):
        super().__init__(message)
        self.code = code
        self.details = details


class InvalidSettings(ServingError, ValueError):
    """A client was given settings, or a file of theirs, that cannot work."""


class ClientClosed(ServingError):
    """The client was asked after it was closed, or closed while it was asked."""


class InvalidReply(ServingError):
    """A server answered, but not as the contract of the signature says."""


class Unavailable(ServingError):
    """No server answered, or it was too busy, in all attempts."""

    template = (
        "No model server answers at {address}{details}: check that it runs, its address and "
        "whether it wants TLS, or try again later."
    )


class DeadlineExceeded(ServingError):
    """The answer did not come in time, all attempts together."""

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
    """The server, or the model, refused the request as wrong in itself."""

    template = (
        "The server at {address} refused the request to {model}{details}: check version label and "
        "texts, and with check_model() that it is a translation model."
    )


class UnsuitableModel(ServingError):
    """The model cannot do what was asked: it lacks a signature, or has another form of it."""

    template = (
        "At {address}, {model} cannot do what was asked{details}: see with check_model() what it "
        "lacks, and export and push it again."
    )


class ResourceExhausted(ServingError):
    """A message was larger, or the load higher, than client or server allow."""

    template = (
        "A limit of size or load was reached at {address}{details}: send less at once with a lower "
        "batch_size or max_in_flight, or raise max_message_bytes."
    )


class Unauthenticated(ServingError):
    """The server does not know who asks."""

    template = (
        "The server at {address} does not know who asks{details}: give the client key and "
        "certificate, or the headers, that it expects."
    )


class PermissionDenied(ServingError):
    """The server knows who asks and does not allow it."""

    template = (
        "The server at {address} does not let this client ask {model}{details}: have its operator "
        "allow it, or use another client certificate or other headers."
    )


class NotAModelServer(ServingError):
    """Something speaks gRPC at the address, but not TensorFlow Serving's protocol."""

    template = (
        "What listens at {address} does not know TensorFlow Serving's calls{details}: check the "
        "address and the port, which is 8500 by default."
    )


class ServerFailed(ServingError):
    """The server, or the model in it, failed while it answered."""

    template = (
        "The server at {address} failed while {model} answered{details}: see its log, and try the "
        "model with `python -m serving.export.check`."
    )


class CallCancelled(ServingError):
    """The server, or something between here and there, gave the call up."""

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


def error_of_status(
    code: grpc.StatusCode, details: str | None, *, address: str, model: str, timeout: float
) -> ServingError:
    """Makes the exception of a call that ended with a gRPC status other than OK.

    Args:
      code: the status; one without a class of its own becomes a plain `ServingError`.
      details: the words that came with it.
      address: whom the call went to.
      model: the model that was asked, in words.
      timeout: the seconds that the call could take.
    """
    kind = _BY_CODE.get(code, ServingError)
    details = details or ""
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
