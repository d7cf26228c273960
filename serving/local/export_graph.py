"""The graph of an export, cut into parts for a session.

TensorFlow prepares the first call of a signature in time that grows with all functions it knows. A
command calls one signature of four. And it optimises a called function three times over, with a
dozen optimisers: half a second of processor time, which makes later calls no faster.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError

from serving.protocol import messages

_SERVE = "serve"
"""The tag of the graph for serving."""
INITIALISATION = "__saved_model_init_op"
"""The signature that fills tables."""
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_UNUSED_OPTIMISERS = (
    "layout_optimizer",
    "arithmetic_optimization",
    "dependency_optimization",
    "loop_optimization",
    "shape_optimization",
    "remapping",
    "common_subgraph_elimination",
)


def _few_optimisations() -> bytes:
    """Returns a serialized `ConfigProto`: functions are inlined and constants folded, both once.

    Both stay, because inlining saves more time than it takes, and without the folding an answer
    differs in its last bits from that of a model server.
    """
    rewriter, config = messages.RewriterConfig, messages.ConfigProto()
    options = config.graph_options.rewrite_options
    for name in _UNUSED_OPTIMISERS:
        setattr(options, name, rewriter.OFF)
    options.memory_optimization = rewriter.NO_MEM_OPT
    options.meta_optimizer_iterations = rewriter.ONE
    return config.SerializeToString()


_FEW_OPTIMISATIONS = _few_optimisations()


class ExportGraph:
    """The graph of an export, with its signatures and assets."""

    def __init__(self, saved_model: bytes):
        """Reads the graph.

        Args:
          saved_model: the content of `saved_model.pb`.

        Raises:
          ValueError: it is damaged, or has no graph for serving.
        """
        self._content = saved_model
        parsed = _for_serving(saved_model)
        self.definitions = messages.SignatureDefMap()
        """All signatures of the export."""
        for name, definition in parsed.signature_def.items():
            self.definitions.signature_def[name].CopyFrom(definition)
        self.assets: Mapping[str, str] = {
            asset.tensor_info.name: asset.filename for asset in parsed.asset_file_def
        }
        """The names of the asset files, by the tensor that takes the path."""
        self.variables = parsed.saver_def.filename_tensor_name
        """The tensor that takes the prefix of the files of variables."""
        self.restore = parsed.saver_def.restore_op_name
        """The operation that reads the variables."""
        self.initialise = [
            _operation(tensor.name)
            for tensor in self.definitions.signature_def[INITIALISATION].outputs.values()
        ]
        """The operations to run after it."""
        del self.definitions.signature_def[INITIALISATION]
        loading = _functions_of(parsed.graph_def, [self.restore, *self.initialise])
        loading.node.extend(parsed.graph_def.node)
        self.loading = _prepared(loading)
        """All nodes, with the functions needed for loading, as a serialized `GraphDef`."""

    def functions(self, signature: str) -> bytes:
        """Returns the functions needed by a signature, as a serialized `GraphDef`.

        It has one new node without effect: a session passes functions on with new nodes only.
        """
        outputs = self.definitions.signature_def[signature].outputs.values()
        # Parsed again: this takes 40 ms, and keeping the messages four times the file's size.
        graph = _for_serving(self._content).graph_def
        part = _functions_of(graph, [tensor.name for tensor in outputs])
        part.node.add(name=f"functions_of_{signature}", op="NoOp")
        return _prepared(part)


def _for_serving(saved_model: bytes) -> Any:
    """Returns the `MetaGraphDef` for serving."""
    try:
        graphs = messages.SavedModel.FromString(saved_model).meta_graphs
    except DecodeError as error:
        raise ValueError(str(error)) from error
    for graph in graphs:
        if _SERVE in graph.meta_info_def.tags:
            return graph
    raise ValueError("it has no graph for serving")


def _operation(tensor: str) -> str:
    """Returns the operation of an input or a tensor: `operation:0`, `operation` or `^operation`."""
    return tensor.removeprefix("^").partition(":")[0]


class Walk:
    """Finds what is run for an operation of a graph."""

    def __init__(self, graph: Any):
        """Reads a `GraphDef`."""
        self._nodes: Mapping[str, Any] = {node.name: node for node in graph.node}
        self._functions: Mapping[str, Any] = {
            function.signature.name: function for function in graph.library.function
        }

    def needed(self, operations: Iterable[str]) -> tuple[set[str], list[Any]]:
        """Finds what is needed to run some operations.

        Args:
          operations: names, as in the inputs of a node.

        Returns:
          The types of all nodes, and the functions called, both including those within functions.
        """
        names, waiting, seen = list(operations), [], set()
        while names:
            name = _operation(names.pop())
            if name in self._nodes and name not in seen:
                seen.add(name)
                waiting.append(self._nodes[name])
                names += self._nodes[name].input
        types: set[str] = set()
        called: dict[str, Any] = {}
        while waiting:
            node = waiting.pop()
            types.add(node.op)
            for name in {node.op, *_function_attributes(node)} & self._functions.keys():
                if name not in called:
                    called[name] = self._functions[name]
                    waiting += called[name].node_def
        return types - called.keys(), list(called.values())


def _function_attributes(node: Any) -> Iterator[str]:
    """Yields the functions in the attributes of a node, such as the body of a loop."""
    for attribute in node.attr.values():
        if attribute.HasField("func"):
            yield attribute.func.name
        yield from (function.name for function in attribute.list.func)


def _functions_of(graph: Any, operations: Iterable[str]) -> Any:
    """Returns a `GraphDef` with the functions needed to run some operations."""
    part = messages.GraphDef(versions=graph.versions)
    part.library.function.extend(Walk(graph).needed(operations)[1])
    return part


def _prepared(part: Any) -> bytes:
    """Serializes a `GraphDef` whose calls of functions are optimised little."""
    bodies = [part.node, *(function.node_def for function in part.library.function)]
    for node in (node for body in bodies for node in body if node.op in _CALLS):
        # Two serialized messages, one after the other, are one with the fields of both.
        node.attr["config_proto"].s += _FEW_OPTIMISATIONS
    return part.SerializeToString()
