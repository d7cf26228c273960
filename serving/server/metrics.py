"""The metrics of the server, for Prometheus."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from serving.local.memory import memory_in_use
from serving.server.versions import State, Versions

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The server's metrics, in a registry separate from Prometheus' default one."""

    def __init__(self, versions: Versions, queued_rows: Callable[[], float] = lambda: 0):
        """Creates the metrics.

        Args:
          versions: the versions whose states are exported.
          queued_rows: returns the number of texts in the queue.
        """
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "nmt_requests",
            "Requests answered, by how they came and by gRPC's status code.",
            ("transport", "method", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "nmt_request_seconds",
            "Time from a request's arrival to its answer.",
            ("transport", "method"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._queue_seconds = Histogram(
            "nmt_queue_seconds",
            "Time that requests waited for their turn.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._model_seconds = Histogram(
            "nmt_batch_seconds",
            "Time that the model took for a batch.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._batch_rows = Histogram(
            "nmt_batch_rows",
            "Texts that went through the model together.",
            buckets=_ROWS,
            registry=self._registry,
        )
        queue = Gauge("nmt_queued_rows", "Texts that wait.", registry=self._registry)
        queue.set_function(queued_rows)
        if memory_in_use() is not None:
            in_use = Gauge(
                "nmt_memory_in_use_bytes",
                "Memory that is held; what is resident has freed pieces besides.",
                registry=self._registry,
            )
            in_use.set_function(lambda: memory_in_use() or 0)
        self._registry.register(_VersionStates(versions))
        ProcessCollector(registry=self._registry)

    def answered(self, transport: str, method: str, code: str, seconds: float) -> None:
        """Counts a request.

        Args:
          transport: `grpc` or `rest`.
          method: its name in gRPC, such as `Predict`.
          code: the gRPC status code, such as `OK`.
          seconds: time from its arrival to its response.
        """
        self._requests.labels(transport, method, code).inc()
        self._seconds.labels(transport, method).observe(seconds)

    def batch_ended(self, rows: int, waited: Sequence[float], seconds: float) -> None:
        """Counts a batch.

        Args:
          rows: number of texts.
          waited: seconds in the queue, one for each request.
          seconds: time of the model.
        """
        self._batch_rows.observe(rows)
        self._model_seconds.observe(seconds)
        for each in waited:
            self._queue_seconds.observe(each)

    def page(self) -> bytes:
        """Returns all metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _VersionStates(Collector):
    """One line per version and state: 1 for the current state, 0 for the others."""

    def __init__(self, versions: Versions):
        self._versions = versions

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "nmt_version_state",
            "Whether a version is in a state.",
            labels=("model", "version", "state"),
        )
        for status in self._versions.statuses():
            for state in State:
                labels = (self._versions.name, str(status.number), state.name)
                family.add_metric(labels, float(status.state is state))
        yield family
