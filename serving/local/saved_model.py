"""An exported SavedModel in this process, loaded with TensorFlow alone and called by signature.

TensorFlow is imported late, quietly and without Keras: the command line must answer in seconds, and
on a clean screen.
"""

import contextlib
import itertools
import os
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from serving.contract import layout

_QUIET_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    # A command beside a model server must leave it its memory.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


_SERVE = "serve"
"""The tag of the graph that is meant for serving."""


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


@dataclass(frozen=True, eq=False)
class Signature:
    """What an export declares of one signature, and how to run it."""

    inputs: Mapping[str, Any]
    """A `TensorSpec` for each, by name."""
    outputs: tuple[str, ...]
    run: Callable[..., Sequence[np.ndarray]] = field(repr=False)
    """Takes the inputs and gives the outputs, both in the order of their names here."""


class SavedModel:
    """An exported model whose signatures take and give NumPy arrays.

    It is run in a session, as TensorFlow Serving does. TensorFlow's newer way of loading keeps all
    functions of all models in one place of the process, where they stay when a model is done with.
    """

    def __init__(self, directory: str | Path, threads: int = 0):
        """Loads the model.

        Args:
          directory: the folder with `saved_model.pb`; also an address such as `gs://bucket/folder`.
          threads: among which TensorFlow divides the work of a call, 0 for one on each core, 1 for
            the caller's own alone. The first model of a process decides for all.

        Raises:
          ModelLoadError: there is no model in the folder, or it cannot be read.
        """
        self.directory = os.fspath(directory)
        is_remote = "://" in self.directory
        file = os.path.join(self.directory, layout.SAVED_MODEL)
        if not is_remote and not os.path.isfile(file):
            # Before TensorFlow is imported, so that a wrong path is answered at once.
            raise ModelLoadError(
                f"There is no exported model in {self.directory}: it holds no {layout.SAVED_MODEL}."
            )
        v1 = import_tensorflow().compat.v1
        graph = v1.Graph()
        config = v1.ConfigProto(
            intra_op_parallelism_threads=threads,
            # Less than 0 is the caller's: no operation waits for another thread to wake up.
            inter_op_parallelism_threads=-1 if threads == 1 else threads,
        )
        self._session = v1.Session(graph=graph, config=config)
        try:
            with graph.as_default():
                loaded = v1.saved_model.loader.load(self._session, [_SERVE], self.directory)
            self.signatures: Mapping[str, Signature] = {
                name: self._signature(definition)
                for name, definition in loaded.signature_def.items()
                if definition.method_name
            }
        except (
            Exception
        ) as error:  # a damaged file ends in any of a dozen types, TensorFlow's and Python's own
            self.close()
            raise ModelLoadError(
                f"The model in {self.directory} cannot be loaded ({message_of(error)}); "
                "export or push it again."
            ) from error

    def _signature(self, definition: Any) -> Signature:
        tensorflow = import_tensorflow()
        inputs, outputs = sorted(definition.inputs), sorted(definition.outputs)
        feeds = [
            self._session.graph.get_tensor_by_name(definition.inputs[name].name) for name in inputs
        ]
        fetches = [definition.outputs[name].name for name in outputs]
        return Signature(
            {
                name: tensorflow.TensorSpec(feed.shape, feed.dtype)
                for name, feed in zip(inputs, feeds, strict=True)
            },
            tuple(outputs),
            self._session.make_callable(fetches, feeds),
        )

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
        wanted = self.signatures[signature]
        try:
            given = [_as_strings(inputs[name]) for name in wanted.inputs]
            return dict(zip(wanted.outputs, wanted.run(*given), strict=True))
        except Exception as error:  # whatever an operation of a foreign graph raises
            raise ModelCallError(
                f"The model in {self.directory} failed in {signature!r}: "
                f"{type(error).__name__}: {message_of(error)}"
            ) from error

    def close(self) -> None:
        """Frees the model's memory; it cannot be called any more."""
        self._session.close()


def _as_strings(values: Sequence[bytes]) -> np.ndarray:
    """An array of `bytes` objects; NumPy's own strings would lose NULs at the end."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


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
