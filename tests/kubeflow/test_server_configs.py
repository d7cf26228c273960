import inspect

import pytest
from google.protobuf import text_format

from pipeline.config.settings import shipped_configs
from serving.client import TranslationClient
from tests.kubeflow.model_server import parse_batching, parse_models, parse_monitoring
from tests.kubeflow.rendered import SERVING

MODELS = SERVING / "base" / "models.config"
BATCHING = sorted(SERVING.rglob("batching.config"))


def read(path):
    return path.read_text(encoding="utf-8")


def test_the_served_model_is_that_of_a_shipped_configuration():
    [model] = parse_models(read(MODELS)).config
    assert model.name in shipped_configs()
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1


def test_an_unknown_field_of_a_server_file_is_noticed():
    with pytest.raises(text_format.ParseError):
        parse_models(read(MODELS).replace("base_path", "path"))
    with pytest.raises(text_format.ParseError):
        parse_batching("max_batch { value: 1 }")


@pytest.mark.parametrize("path", BATCHING, ids=lambda path: path.parent.name)
def test_a_batch_is_not_empty_and_someone_runs_it(path):
    batching = parse_batching(read(path))
    assert batching.max_batch_size.value > 0
    assert batching.num_batch_threads.value > 0
    assert batching.max_enqueued_batches.value > 0
    assert batching.batch_timeout_micros.value >= 0


@pytest.mark.parametrize("path", BATCHING, ids=lambda path: path.parent.name)
def test_the_batch_of_a_client_is_not_refused(path):
    parameters = inspect.signature(TranslationClient.__init__).parameters
    assert parameters["batch_size"].default <= parse_batching(read(path)).max_batch_size.value


@pytest.mark.parametrize("path", BATCHING, ids=lambda path: path.parent.name)
def test_no_request_is_cut_into_batches(path):
    # batching_session.cc joins the pieces' outputs along their first dimension and fails if another
    # one differs. It would differ, since each batch is padded to its own longest translation.
    batching = parse_batching(read(path))
    assert batching.HasField("enable_large_batch_splitting")
    assert not batching.enable_large_batch_splitting.value


@pytest.mark.parametrize("path", BATCHING, ids=lambda path: path.parent.name)
def test_the_largest_allowed_batch_is_the_largest(path):
    batching = parse_batching(read(path))
    sizes = list(batching.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert not sizes or sizes[-1] == batching.max_batch_size.value


def test_prometheus_is_answered_where_the_local_server_answers_it():
    rest = pytest.importorskip("serving.server.rest")
    config = parse_monitoring(read(SERVING / "config" / "monitoring.config")).prometheus_config
    assert config.enable
    assert config.path == rest.METRICS_PATH
