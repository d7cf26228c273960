import http.client
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from serving.server.metrics import Metrics
from serving.server.versions import Versions
from tests.serving.server.fake_model import (
    LONG,
    NAME,
    fake_load,
    make_version,
    running_server,
    settings_for,
)


def _samples(page: str) -> dict[tuple[str, frozenset], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def _value(samples: dict, name: str, **labels: str) -> Any:
    return samples.get((name, frozenset(labels.items())))


@pytest.fixture
def metrics() -> Metrics:
    versions = Versions(NAME)
    versions.add(fake_load("", 3))
    return Metrics(versions, lambda: 7)


def test_requests_are_counted_by_transport_method_and_code(metrics):
    for code in ("OK", "OK", "NOT_FOUND"):
        metrics.answered("grpc", "Predict", code, 0.02)
    samples = _samples(metrics.page().decode())
    way = {"transport": "grpc", "method": "Predict"}
    assert _value(samples, "nmt_requests_total", **way, code="OK") == 2
    assert _value(samples, "nmt_requests_total", **way, code="NOT_FOUND") == 1
    assert _value(samples, "nmt_request_seconds_bucket", **way, le="0.01") == 0
    assert _value(samples, "nmt_request_seconds_bucket", **way, le="0.025") == 3


def test_batches_are_counted_by_their_size_and_times(metrics):
    metrics.batch_ended(5, [0.001, 0.2, 0.3], 0.07)
    samples = _samples(metrics.page().decode())
    assert _value(samples, "nmt_batch_rows_bucket", le="4.0") == 0
    assert _value(samples, "nmt_batch_rows_bucket", le="8.0") == 1
    assert _value(samples, "nmt_batch_seconds_sum") == pytest.approx(0.07)
    assert _value(samples, "nmt_queue_seconds_count") == 3


def test_the_queue_and_the_versions_are_shown_as_they_are(metrics):
    samples = _samples(metrics.page().decode())
    version = {"model": NAME, "version": "3"}
    assert _value(samples, "nmt_queued_rows") == 7
    in_use = _value(samples, "nmt_memory_in_use_bytes")
    assert 1 << 20 < in_use < _value(samples, "process_virtual_memory_bytes")
    assert _value(samples, "nmt_version_state", **version, state="AVAILABLE") == 1
    assert _value(samples, "nmt_version_state", **version, state="LOADING") == 0


def test_the_page_lies_where_tensorflow_serving_has_it(tmp_path: Path) -> None:
    make_version(tmp_path, 1)
    with running_server(settings_for(tmp_path)) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=LONG)
        connection.request("POST", f"/v1/models/{NAME}:predict", b'{"instances": ["a"]}')
        connection.getresponse().read()
        connection.request("GET", "/monitoring/prometheus/metrics")
        response = connection.getresponse()
        samples = _samples(response.read().decode())
        connection.close()
    assert response.headers["Content-Type"].startswith("text/plain")
    way = {"transport": "rest", "method": "Predict", "code": "OK"}
    assert _value(samples, "nmt_requests_total", **way) == 1
    assert _value(samples, "nmt_batch_rows_count") == 1
