"""Checks if a server with TensorFlow's own operations alone can run an export.

Stock TensorFlow Serving links `tensorflow/core:tensorflow`: all operations and kernels of
TensorFlow's own library (see its tensorflow_serving/model_servers/BUILD; the two other libraries
there, TensorFlow Text and Decision Forests, are not available everywhere). The graph is read from
the file. So parts reached by no request are checked too, and Python functions are found, although
these work in the process that defined them.
"""

import functools
import subprocess
import sys
from collections import defaultdict

from google.protobuf.message import DecodeError

from serving.local import tensorflow_library
from serving.local.export_graph import INITIALISATION, Walk
from serving.local.outside_cause import OutsideCauseError, fate
from serving.local.saved_model import read_saved_model, unloadable
from serving.protocol import messages

_LOADING = "loading"
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
    folder = tensorflow_library.package_folder()
    listing = subprocess.run(
        # -P: do not import from the folder of the program.
        [sys.executable, "-P", tensorflow_library.__file__, folder],
        capture_output=True,
        check=False,
    )
    if listing.returncode:
        last_words = listing.stderr.decode("utf-8", errors="replace").strip().splitlines()[-1:]
        raise OutsideCauseError(
            f"The kernels of TensorFlow's library in {folder} cannot be listed: the process "
            f"{fate(listing.returncode)}{''.join(f' ({line})' for line in last_words)}."
        )
    kernels = messages.KernelList.FromString(listing.stdout).kernel
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
    try:
        saved_model = messages.SavedModel.FromString(read_saved_model(directory))
    except DecodeError as error:
        raise unloadable(directory, error) from error
    operations: dict[str, set[str]] = defaultdict(set)
    for graph in saved_model.meta_graphs:
        walk = Walk(graph.graph_def)
        operations[_LOADING] |= walk.needed([graph.saver_def.restore_op_name])[0]
        for name, signature in graph.signature_def.items():
            tensors = [tensor.name for tensor in signature.outputs.values()]
            operations[_LOADING if name == INITIALISATION else name] |= walk.needed(tensors)[0]
    return dict(operations)


def _listed(signatures: set[str]) -> str:
    *first, last = sorted(signatures)
    return f"{', '.join(first)} and {last}" if first else last
