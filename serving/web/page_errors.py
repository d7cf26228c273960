"""Error messages for the users of the page."""

from serving.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ModelNotFound,
    NotAModelServer,
    PermissionDenied,
    ResourceExhausted,
    ServingError,
    Unauthenticated,
    Unavailable,
    UnsuitableModel,
)


class PageError(Exception):
    """A request of the page failed; the page shows the message.

    Attributes:
      status: the HTTP status of the response.
    """

    def __init__(self, status: int, sentence: str):
        super().__init__(sentence)
        self.status = status


_SENTENCES: dict[type[ServingError], tuple[int, str]] = {
    Unavailable: (
        503,
        "The model server at {server} does not answer. Make sure that it runs, and try again.",
    ),
    DeadlineExceeded: (
        504,
        "The model server took longer than {timeout:g} seconds. Try a shorter text, or try again "
        "when it has less to do.",
    ),
    ResourceExhausted: (
        503,
        "The model server has too much to do just now, or the text is too long for it. Try again "
        "in a moment, or with a shorter text.",
    ),
    ModelNotFound: (
        404,
        "The model server at {server} does not serve {model}. Choose another version, or start "
        "the page with the --config of a model that is served there.",
    ),
    InvalidRequest: (
        422,
        "The model server rejected the request: its model cannot read this text, or is not a "
        "translation model of this project.",
    ),
    UnsuitableModel: (
        502,
        "At {server}, {model} lacks a signature needed by this page. Export the model again, and "
        "push it.",
    ),
    NotAModelServer: (
        502,
        "The server at {server} is not a model server. Start the page with another --server; the "
        "port is usually 8500.",
    ),
    Unauthenticated: (502, "The model server at {server} denies access to this page."),
    PermissionDenied: (502, "The model server at {server} denies access to this page."),
}
_OTHERWISE = (502, "The model server at {server} failed. Try again, or see its log.")


def page_error(error: ServingError, *, server: str, model: str, timeout: float) -> PageError:
    """Converts an error of the client, written for programmers, to one for the page.

    Args:
      error: the error of the client.
      server: the address of the model server.
      model: a description of the model.
      timeout: the timeout in seconds.
    """
    status, sentence = _SENTENCES.get(type(error), _OTHERWISE)
    return PageError(status, sentence.format(server=server, model=model, timeout=timeout))


_NOT_LOADED = 503


def no_version(states: list[str], model: str) -> PageError:
    """Returns the error for a known model without an available version.

    Args:
      states: the states of its versions.
      model: the name of the model.
    """
    if "loading" in states or "start" in states:
        return PageError(_NOT_LOADED, f"The model server is still loading {model}. Try again soon.")
    return PageError(_NOT_LOADED, f"The model server has no available version of {model}.")
