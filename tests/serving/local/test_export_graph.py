from pathlib import Path

import pytest
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2

from serving.contract.signatures import CONTRACTS
from serving.local.export_graph import ExportGraph
from tests.serving.standin_model import export_standin


@pytest.fixture(scope="module")
def graph(tmp_path_factory) -> ExportGraph:
    folder = export_standin(tmp_path_factory.mktemp("standin") / "model")
    return ExportGraph(Path(folder, "saved_model.pb").read_bytes())


def names(part: bytes) -> set[str]:
    """Returns the names of the functions of a part."""
    return {each.signature.name for each in graph_pb2.GraphDef.FromString(part).library.function}


def test_a_signature_gets_its_own_functions_only(graph):
    default, score = names(graph.functions("serving_default")), names(graph.functions("score"))
    assert any("serving_default" in name for name in default)
    assert not any("score" in name for name in default)
    assert default - score
    assert score - default
    assert not names(graph.loading) & (default | score)


def test_the_signatures_are_those_to_call(graph):
    assert set(graph.definitions.signature_def) == set(CONTRACTS)


def test_called_functions_keep_their_configuration_and_are_optimised_little(graph):
    part = graph_pb2.GraphDef.FromString(graph.loading)
    calls = [node for node in part.node if node.op == "StatefulPartitionedCall"]
    assert calls
    for node in calls:
        config = config_pb2.ConfigProto.FromString(node.attr["config_proto"].s)
        options = config.graph_options.rewrite_options
        assert config.device_count["CPU"] == 1
        assert options.remapping == rewriter_config_pb2.RewriterConfig.OFF
        assert options.constant_folding != rewriter_config_pb2.RewriterConfig.OFF
        assert options.function_optimization != rewriter_config_pb2.RewriterConfig.OFF


@pytest.mark.parametrize("content", [b"damaged", b""])
def test_a_file_without_a_graph_for_serving_is_refused(content):
    with pytest.raises(ValueError, match="parsing|no graph for serving"):
        ExportGraph(content)
