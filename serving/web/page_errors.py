"""What goes wrong, in sentences for the people who read the page."""

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
    """A request of the page has no answer; the message is a sentence for the page.

    Attributes:
      status: the HTTP status that goes with it.
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
        "The model server refused the request: its model cannot read this text, or is of another "
        "kind than this page needs.",
    ),
    UnsuitableModel: (
        502,
        "What {server} serves as {model} cannot do what this page needs. Export the model again, "
        "and push it.",
    ),
    NotAModelServer: (
        502,
        "What listens at {server} is no model server. Start the page with another --server; the "
        "port is usually 8500.",
    ),
    Unauthenticated: (502, "The model server at {server} does not let this page in."),
    PermissionDenied: (502, "The model server at {server} does not let this page in."),
}
_OTHERWISE = (502, "The model server at {server} failed. Its log says why; try again.")


def page_error(error: ServingError, *, server: str, model: str, timeout: float) -> PageError:
    """Says for the page what its gateway's client said for programmers.

    Args:
      error: of the client.
      server: the address that was asked.
      model: the model that was asked, in words.
      timeout: seconds that the server had.
    """
    status, sentence = _SENTENCES.get(type(error), _OTHERWISE)
    return PageError(status, sentence.format(server=server, model=model, timeout=timeout))


_NOT_LOADED = 503


def no_version(states: list[str], model: str) -> PageError:
    """Says that a server knows the model and has no version of it that answers.

    Args:
      states: what it does with the versions that it knows.
      model: the model's name.
    """
    if "loading" in states or "start" in states:
        return PageError(_NOT_LOADED, f"The model server is still loading {model}. Try again soon.")
    return PageError(_NOT_LOADED, f"The model server has no version of {model} that answers.")
