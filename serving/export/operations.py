"""Checks if a server with TensorFlow's own operations alone can run an export.

Stock TensorFlow Serving links `tensorflow/core:tensorflow`: all operations and kernels of
TensorFlow's own library (see its tensorflow_serving/model_servers/BUILD; the two other libraries
there, TensorFlow Text and Decision Forests, are not available everywhere). The graph is read from
the file. So parts reached by no request are checked too, and Python functions are found, although
these work in the process that defined them.
"""

import functools
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from serving.contract import layout
from serving.export import tensorflow_library
from serving.local.outside_cause import OutsideCauseError, fate
from serving.local.saved_model import ModelLoadError, import_tensorflow, message_of

_LOADING = "loading"
_INITIALISATION = "__saved_model_init_op"
_DEVICES = {"CPU", "DEFAULT"}
"""A kernel for the default device runs on every device."""


def check_operations(directory: str) -> list[str]:
    """Checks if TensorFlow's own library has every operation of an export.

    Args:
      directory: the folder with `saved_model.pb`; also a URL.

    Returns:
      One sentence for each missing operation.

    Raises:
      ModelLoadError: there is no graph, or it cannot be read.
    """
    needing = defaultdict(set)
    for signature, operations in read_operations(directory).items():
        for operation in operations - core_operations():
            needing[operation].add(signature)
    return [
        f"the operation {operation!r}, needed by {_listed(needing[operation])}, is not in "
        "TensorFlow's own library, so a stock model server cannot run it: export without it"
        for operation in sorted(needing)
    ]


@functools.cache
def core_operations() -> frozenset[str]:
    """Returns the operations of TensorFlow's own library with a CPU kernel.

    Raises:
      OutsideCauseError: the kernels of the library cannot be listed.
    """
    folder = Path(import_tensorflow().__file__ or "").parent
    listing = subprocess.run(
        # -P: do not import from the folder of the program.
        [sys.executable, "-P", tensorflow_library.__file__, str(folder)],
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        last_words = listing.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:]
        raise OutsideCauseError(
            f"The kernels of TensorFlow's library in {folder} cannot be listed: the process "
            f"{fate(listing.returncode)}{''.join(f' ({line})' for line in last_words)}."
        )
    from tensorflow.core.framework import kernel_def_pb2

    kernels = kernel_def_pb2.KernelList.FromString(listing.stdout).kernel
    return frozenset(kernel.op for kernel in kernels if kernel.device_type in _DEVICES)


def read_operations(directory: str) -> dict[str, set[str]]:
    """Reads the operations needed by an export.

    Args:
      directory: the folder with `saved_model.pb`; also a URL.

    Returns:
      The operations by signature, including those of called functions; under `loading`, those run
      by a server before any request.

    Raises:
      ModelLoadError: there is no graph, or it cannot be read.
    """
    tensorflow = import_tensorflow()
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    path = os.path.join(directory, layout.SAVED_MODEL)
    if not tensorflow.io.gfile.exists(path):
        raise ModelLoadError(
            f"There is no exported model in {directory}: it holds no {layout.SAVED_MODEL}."
        )
    try:
        with tensorflow.io.gfile.GFile(path, "rb") as file:
            saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    except (tensorflow.errors.OpError, DecodeError) as error:
        raise ModelLoadError(
            f"The graph of the model in {directory} cannot be read ({message_of(error)}); "
            "export or push it again."
        ) from error
    operations: dict[str, set[str]] = defaultdict(set)
    for graph in saved_model.meta_graphs:
        walk = _Walk(graph.graph_def)
        operations[_LOADING] |= walk.operations([graph.saver_def.restore_op_name])
        for name, signature in graph.signature_def.items():
            tensors = [tensor.name for tensor in signature.outputs.values()]
            operations[_LOADING if name == _INITIALISATION else name] |= walk.operations(tensors)
    return dict(operations)


class _Walk:
    """Traverses a graph from its results back to their inputs."""

    def __init__(self, graph: Any):
        self._nodes: Mapping[str, Any] = {node.name: node for node in graph.node}
        self._functions: Mapping[str, Any] = {
            function.signature.name: function for function in graph.library.function
        }

    def operations(self, tensors: list[str]) -> set[str]:
        """Finds the operations needed for tensors, including those of all called functions."""
        waiting = list(self._nodes_behind(tensors))
        operations: set[str] = set()
        called: set[str] = set()
        while waiting:
            node = waiting.pop()
            operations.add(node.op)
            for name in {node.op, *_function_attributes(node)} - called:
                if name in self._functions:
                    called.add(name)
                    waiting += self._functions[name].node_def
        return operations - called

    def _nodes_behind(self, tensors: list[str]) -> Iterator[Any]:
        """Yields the nodes needed for tensors, without the bodies of functions."""
        waiting = list(tensors)
        seen: set[str] = set()
        while waiting:
            name = waiting.pop().removeprefix("^").partition(":")[0]
            if name in self._nodes and name not in seen:
                seen.add(name)
                yield self._nodes[name]
                waiting += self._nodes[name].input


def _function_attributes(node: Any) -> Iterator[str]:
    """Yields the functions in the attributes of a node, such as the body of a loop."""
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _listed(signatures: set[str]) -> str:
    *first, last = sorted(signatures)
    return f"{', '.join(first)} and {last}" if first else last
