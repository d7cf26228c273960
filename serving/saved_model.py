"""An exported SavedModel in this process, loaded with TensorFlow alone and called by signature.

TensorFlow is imported late, quietly and without Keras: the command line must answer in seconds, and
on a clean screen.
"""

import contextlib
import itertools
import os
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

_QUIET_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    # A command beside a model server must leave it its memory.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


class ModelLoadError(Exception):
    """The folder holds no model that can be loaded; the message says why and what to do."""


class ModelCallError(Exception):
    """The model lacks the signature that was asked for, or failed while it answered."""


@contextlib.contextmanager
def _standard_error_hidden() -> Iterator[None]:
    """TensorFlow's native code writes to file descriptor 2 before any of its settings are read."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def _keras_hidden() -> Iterator[None]:
    """TensorFlow imports Keras if it finds it, which takes as long as the rest, but needs none."""
    if "keras" in sys.modules:
        yield
        return
    sys.modules["keras"] = None  # type: ignore[assignment]  # an import of it then fails at once
    try:
        yield
    finally:
        del sys.modules["keras"]


def import_tensorflow() -> types.ModuleType:
    """Imports TensorFlow without its chatter on standard error.

    Raises:
      ModelLoadError: TensorFlow is not installed, or its native library does not load here.
    """
    if "tensorflow" not in sys.modules:
        for name, value in _QUIET_SETTINGS.items():
            os.environ.setdefault(name, value)
        try:
            with _standard_error_hidden(), _keras_hidden():
                import tensorflow
        except ImportError as error:
            raise ModelLoadError(
                f"TensorFlow cannot be imported ({error}); install the project's environment."
            ) from error
        tensorflow.get_logger().setLevel("ERROR")
    return sys.modules["tensorflow"]


class SavedModel:
    """An exported model whose signatures take and give NumPy arrays."""

    def __init__(self, directory: str | Path):
        """Loads the model.

        Args:
          directory: the folder with `saved_model.pb`; also an address such as `gs://bucket/folder`.

        Raises:
          ModelLoadError: there is no model in the folder, or it cannot be read.
        """
        self.directory = os.fspath(directory)
        is_remote = "://" in self.directory
        if not is_remote and not os.path.isfile(os.path.join(self.directory, "saved_model.pb")):
            # Before TensorFlow is imported, so that a wrong path is answered at once.
            raise ModelLoadError(
                f"There is no exported model in {self.directory}: it holds no saved_model.pb."
            )
        self._tensorflow = import_tensorflow()
        try:
            # Held as long as this object lives: the signatures do not keep the model's tables and
            # variables alive.
            self._model: Any = self._tensorflow.saved_model.load(self.directory)
            self.signatures: Mapping[str, Any] = dict(self._model.signatures)
        except (
            Exception
        ) as error:  # a damaged file ends in any of a dozen types, TensorFlow's and Python's own
            raise ModelLoadError(
                f"The model in {self.directory} cannot be loaded ({message_of(error)}); "
                "export or push it again."
            ) from error

    def call(self, signature: str, **inputs: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Runs one signature.

        Args:
          signature: its name.
          **inputs: one list of byte strings [batch] per input of the signature.

        Returns:
          The outputs by name; strings are arrays of `bytes` objects.

        Raises:
          ModelCallError: there is no such signature, or the model failed.
        """
        if signature not in self.signatures:
            raise ModelCallError(
                f"The model in {self.directory} has no signature {signature!r}; export it again."
            )
        constant, string = self._tensorflow.constant, self._tensorflow.string
        try:
            tensors = {
                name: constant(list(values), string, [len(values)])
                for name, values in inputs.items()
            }
            outputs = self.signatures[signature](**tensors)
            return {name: tensor.numpy() for name, tensor in outputs.items()}
        except Exception as error:  # whatever an operation of a foreign graph raises
            raise ModelCallError(
                f"The model in {self.directory} failed in {signature!r}: "
                f"{type(error).__name__}: {message_of(error)}"
            ) from error


def message_of(error: BaseException) -> str:
    """Returns the one line of an error's message that says what is wrong.

    TensorFlow wraps it in a description of the graph: above it where the failing node was made,
    below it the node.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line, following in itertools.pairwise(lines):
        if following.startswith("[[{{node"):
            return line
    return lines[0] if lines else type(error).__name__
