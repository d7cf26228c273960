"""Loads an exported SavedModel in this process, with TensorFlow alone, and calls its signatures.

TensorFlow is imported late, quietly and without Keras: the command line must start in seconds,
without foreign output.
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
from serving.local.memory import return_freed_memory

_QUIET_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "GRPC_VERBOSITY": "ERROR",
    # Leaves GPU memory for a model server on the same machine.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
}


_SERVE = "serve"
"""The tag of the graph for serving."""


class ModelLoadError(Exception):
    """The folder has no model, or it cannot be loaded; the message gives reason and remedy."""


class ModelCallError(Exception):
    """The model lacks the signature, or failed during the call."""


@contextlib.contextmanager
def _standard_error_hidden() -> Iterator[None]:
    """Hides file descriptor 2: TensorFlow's native code writes to it before reading any setting."""
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
    """Hides Keras: TensorFlow imports it if present, in twice the time, but does not need it."""
    if "keras" in sys.modules:
        yield
        return
    sys.modules["keras"] = None  # type: ignore[assignment]  # an import of it then fails at once
    try:
        yield
    finally:
        del sys.modules["keras"]


def import_tensorflow() -> types.ModuleType:
    """Imports TensorFlow without its output on standard error.

    Raises:
      ModelLoadError: TensorFlow is not installed, or its native library cannot be loaded.
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
    """A declared signature of an export, and a function to run it."""

    inputs: Mapping[str, Any]
    """A `TensorSpec` for each input, by name."""
    outputs: tuple[str, ...]
    run: Callable[..., Sequence[np.ndarray]] = field(repr=False)
    """Takes the inputs and returns the outputs, both in the order of `inputs` and `outputs`."""


class SavedModel:
    """An exported model with signatures that take and return NumPy arrays.

    It runs in a session, as in TensorFlow Serving. TensorFlow's newer loader registers the
    functions of all models in one global place, where they stay after a model is closed.
    """

    def __init__(self, directory: str | Path, threads: int = 0):
        """Loads the model.

        Args:
          directory: the folder with `saved_model.pb`; also a URL such as `gs://bucket/folder`.
          threads: TensorFlow's threads for a call: 0 for one per core, 1 for the caller's thread
            only. The first model of a process decides for all.

        Raises:
          ModelLoadError: the folder has no model, or it cannot be read.
        """
        self.directory = os.fspath(directory)
        is_remote = "://" in self.directory
        file = os.path.join(self.directory, layout.SAVED_MODEL)
        if not is_remote and not os.path.isfile(file):
            # Checked before TensorFlow is imported, to report a wrong path at once.
            raise ModelLoadError(
                f"There is no exported model in {self.directory}: it holds no {layout.SAVED_MODEL}."
            )
        v1 = import_tensorflow().compat.v1
        graph = v1.Graph()
        config = v1.ConfigProto(
            intra_op_parallelism_threads=threads,
            # Below 0 means the caller's thread: no operation waits for another thread to wake up.
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
        except Exception as error:  # a damaged file raises any of a dozen types
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
          ModelCallError: the model lacks the signature, or failed.
        """
        if signature not in self.signatures:
            raise ModelCallError(
                f"The model in {self.directory} has no signature {signature!r}; export it again."
            )
        wanted = self.signatures[signature]
        try:
            given = [_as_strings(inputs[name]) for name in wanted.inputs]
            return dict(zip(wanted.outputs, wanted.run(*given), strict=True))
        except Exception as error:  # an operation of the graph may raise any type
            raise ModelCallError(
                f"The model in {self.directory} failed in {signature!r}: "
                f"{type(error).__name__}: {message_of(error)}"
            ) from error

    def close(self) -> None:
        """Frees the model's memory and returns it to the system; it cannot be called afterwards."""
        self._session.close()
        self.signatures = {}
        del self._session
        return_freed_memory()


def _as_strings(values: Sequence[bytes]) -> np.ndarray:
    """Returns an array of `bytes` objects; NumPy's own strings would lose NULs at the end."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def message_of(error: BaseException) -> str:
    """Returns the line with the cause from an error's message.

    TensorFlow surrounds it with a description of the graph: above it the origin of the failing
    node, below it the node.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    for line, following in itertools.pairwise(lines):
        if following.startswith("[[{{node"):
            return line
    return lines[0] if lines else type(error).__name__
