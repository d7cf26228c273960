"""Loads an exported SavedModel in this process and calls its signatures.

TensorFlow's library is enough, without its Python modules: the command line must start at once.
"""

import itertools
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from serving.contract import layout
from serving.local.export_graph import ExportGraph
from serving.local.memory import return_freed_memory
from serving.local.session import Run, Session, TensorFlowError, read_file
from serving.local.tensorflow_library import tensorflow_library
from serving.protocol.tensors import dtype_name

_FUNCTION = re.compile(r"\{\{function_node [^}]*\}\} (?!\{\{node)")


class ModelLoadError(Exception):
    """The folder has no model, or it cannot be loaded; the message gives reason and remedy."""


class ModelCallError(Exception):
    """The model lacks the signature, or failed during the call."""


@dataclass(frozen=True)
class TensorSpec:
    """The declared dtype and shape of a tensor."""

    dtype: str
    """Such as `string`."""
    shape: tuple[int | None, ...] | None
    """None for any size, or any shape."""


@dataclass(frozen=True, eq=False)
class Signature:
    """A declared signature of an export, and a function to run it."""

    inputs: Mapping[str, TensorSpec]
    """By name."""
    outputs: tuple[str, ...]
    run: Run = field(repr=False)
    """Takes the inputs and returns the outputs, both in the order of `inputs` and `outputs`."""


class SavedModel:
    """An exported model with signatures that take and return NumPy arrays."""

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
        content = read_saved_model(self.directory)
        require_tensorflow()
        self._session = Session(threads)
        self._adding = threading.Lock()
        self._added: set[str] = set()
        try:
            self._graph = ExportGraph(content)
            self.definitions = self._graph.definitions
            """All signatures of the export as a `SignatureDefMap`."""
            self._initialise()
            self.signatures: Mapping[str, Signature] = {
                name: self._signature(definition)
                for name, definition in self.definitions.signature_def.items()
                if definition.method_name
            }
        except (OSError, TensorFlowError, ValueError) as error:
            self.close()
            raise unloadable(self.directory, error) from error

    def _initialise(self) -> None:
        """Reads the variables and fills the tables, as TensorFlow's loaders do."""
        # A model without a variable restores nothing, and so would not miss its files.
        _content(self.directory, layout.VARIABLES_INDEX)
        graph, session = self._graph, self._session
        session.add(graph.loading)
        folder = os.path.join(self.directory, layout.ASSETS)
        paths = [os.path.join(folder, file).encode() for file in graph.assets.values()]
        variables = os.path.join(self.directory, layout.VARIABLES).encode()
        session.callable([graph.variables, *graph.assets], [], [graph.restore])(variables, *paths)
        session.callable([*graph.assets], [], graph.initialise)(*paths)

    def _signature(self, definition: Any) -> Signature:
        inputs, outputs = sorted(definition.inputs), sorted(definition.outputs)
        return Signature(
            {name: _spec(definition.inputs[name]) for name in inputs},
            tuple(outputs),
            self._session.callable(
                [definition.inputs[name].name for name in inputs],
                [definition.outputs[name].name for name in outputs],
            ),
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
            self._add_functions(signature)
            given = [inputs[name] for name in wanted.inputs]
            return dict(zip(wanted.outputs, wanted.run(*given), strict=True))
        except Exception as error:  # an input may be missing or of any type
            kind = error.name if isinstance(error, TensorFlowError) else type(error).__name__
            raise ModelCallError(
                f"The model in {self.directory} failed in {signature!r}: "
                f"{kind}: {message_of(error)}"
            ) from error

    def _add_functions(self, signature: str) -> None:
        """Gives the session the functions of a signature before its first call."""
        with self._adding:
            if signature not in self._added:
                self._session.add(self._graph.functions(signature))
                self._added.add(signature)

    def close(self) -> None:
        """Frees the model's memory and returns it to the system; it cannot be called afterwards."""
        self._session.close()
        self.signatures = {}
        del self._session
        return_freed_memory()


def require_tensorflow() -> str:
    """Loads TensorFlow's library and returns its version.

    Raises:
      ModelLoadError: TensorFlow is not installed, or its library cannot be loaded.
    """
    try:
        return tensorflow_library().TF_Version().decode()
    except (ImportError, OSError) as error:
        raise ModelLoadError(
            f"TensorFlow cannot be loaded ({error}); install the project's environment."
        ) from error


def read_saved_model(directory: str) -> bytes:
    """Reads the graph's file of an export.

    Args:
      directory: the folder with `saved_model.pb`; also a URL such as `gs://bucket/folder`.

    Raises:
      ModelLoadError: the folder has no model, or it cannot be read.
    """
    try:
        return _content(directory, layout.SAVED_MODEL)
    except FileNotFoundError as error:
        raise ModelLoadError(
            f"There is no exported model in {directory}: it holds no {layout.SAVED_MODEL}."
        ) from error
    except (OSError, TensorFlowError) as error:
        raise unloadable(directory, error) from error


def _content(directory: str, name: str) -> bytes:
    """Reads a file of an export."""
    path = os.path.join(directory, name)
    if "://" not in directory:
        return Path(path).read_bytes()
    require_tensorflow()
    return read_file(path)


def unloadable(directory: str, error: Exception) -> ModelLoadError:
    """Returns the error for a model whose files are damaged."""
    return ModelLoadError(
        f"The model in {directory} cannot be loaded ({message_of(error)}); export or push it again."
    )


def _spec(info: Any) -> TensorSpec:
    if info.tensor_shape.unknown_rank:
        return TensorSpec(dtype_name(info.dtype), None)
    sizes = (dimension.size for dimension in info.tensor_shape.dim)
    return TensorSpec(dtype_name(info.dtype), tuple(None if size < 0 else size for size in sizes))


def message_of(error: BaseException) -> str:
    """Returns the line with the cause from an error's message.

    TensorFlow surrounds it with a description of the graph: above it the origin of the failing
    node, before it the functions, below it the node.
    """
    text = _FUNCTION.sub("", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line, following in itertools.pairwise(lines):
        if following.startswith("[[{{node"):
            return line
    return lines[0] if lines else type(error).__name__
