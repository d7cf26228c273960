"""A Flink session cluster of processes on this machine, with the same parts as kubeflow/flink.

The parts are a job manager, one task manager with a pool of Python workers beside it, and Beam's
job server. Flink's settings come from the FlinkDeployment; only addresses, ports and folders
differ. Beam's job server and worker pool always listen on every address, so `make test-flink` runs
the whole test in a separate network with only the loopback.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
JARS = ROOT / ".tools" / "flink"
DEPLOYMENT = ROOT / "kubeflow" / "flink" / "base" / "session-cluster.yaml"
HERE = "127.0.0.1"

_JOB_MANAGER = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
_TASK_MANAGER = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
# Flink's own start scripts get the sizes of the processes from this class.
_SIZES = "org.apache.flink.runtime.util.bash.BashJavaUtils"
_SIZES_PREFIX = "BASH_JAVA_UTILS_EXEC_RESULT:"
_START_SECONDS = 300
_END_SECONDS = 20


@dataclass(frozen=True)
class FlinkJob:
    """Flink's information about a job."""

    name: str
    state: str
    started: int
    stages: int
    """Number of vertices in the job's graph."""
    tasks: int
    parallelism: int
    """Parallelism of the widest stage."""
    description: str
    """The names of all stages."""


@dataclass(frozen=True)
class FlinkCluster:
    """A running cluster."""

    job_endpoint: str
    worker_pool: str
    rest: str
    logs: Path
    version: str

    def jobs(self) -> list[FlinkJob]:
        """Returns all jobs, in the order of their start."""
        found = [self._job(each["jid"]) for each in _get(f"{self.rest}/jobs/overview")["jobs"]]
        return sorted(found, key=lambda job: job.started)

    def worker_processes(self) -> int:
        """Returns the number of Python processes started by the pool."""
        log = (self.logs / "worker-pool.log").read_text(encoding="utf-8", errors="replace")
        return log.count("Starting worker with command")

    def _job(self, identifier: str) -> FlinkJob:
        job = _get(f"{self.rest}/jobs/{identifier}")
        return FlinkJob(
            name=job["name"],
            state=job["state"],
            started=job["start-time"],
            stages=len(job["vertices"]),
            tasks=sum(vertex["parallelism"] for vertex in job["vertices"]),
            parallelism=max(vertex["parallelism"] for vertex in job["vertices"]),
            description="\n".join(node["description"] for node in job["plan"]["nodes"]),
        )


def why_not() -> str | None:
    """Returns a reason to skip if something is missing on this machine, else None."""
    if shutil.which("java") is None:
        return "Flink needs Java, and there is none"
    if not (JARS / "origin.txt").exists():
        return "Flink's jars are not here: `make test-flink` fetches them"
    return None


def task_slots() -> int:
    """Returns the number of slots of the task manager."""
    return int(_deployment()["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])


@contextlib.contextmanager
def flink_cluster(folder: Path) -> Iterator[FlinkCluster]:
    """Starts a cluster, and ends all its processes on exit.

    Args:
      folder: folder for its configuration, logs and temporary files.
    """
    logs = folder / "logs"
    logs.mkdir(parents=True)
    rest, rpc, pool, jobs, artifacts = _free_ports(5)
    conf = _write_configuration(folder, rest, rpc)
    with contextlib.ExitStack() as processes:

        def start(name: str, *command: str, **environment: str) -> None:
            log = processes.enter_context((logs / f"{name}.log").open("w", encoding="utf-8"))
            processes.enter_context(_process(command, folder, log, environment))

        jvm, settings = _sizes("JM", conf)
        start("job-manager", *_java(*jvm), _JOB_MANAGER, "--configDir", str(conf), *settings)
        jvm, settings = _sizes("TM", conf)
        start("task-manager", *_java(*jvm), _TASK_MANAGER, "--configDir", str(conf), *settings)
        start(
            "worker-pool", sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main",
            f"--service_port={pool}",
            # The pool starts `python` from PATH.
            PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            TMPDIR=str(folder / "worker-tmp"),
        )  # fmt: skip
        start(
            "job-server", *_java("-Xmx1g"), _JOB_SERVER, f"--flink-master={HERE}:{rest}",
            f"--job-host={HERE}", f"--job-port={jobs}", f"--artifact-port={artifacts}",
            "--expansion-port=-1", f"--artifacts-dir={folder / 'artifacts'}",
        )  # fmt: skip
        _wait(lambda: _get(f"http://{HERE}:{rest}/overview")["taskmanagers"] == 1, logs)
        for port in (pool, jobs, artifacts):
            _wait(lambda port=port: _listens(port), logs)
        yield FlinkCluster(
            job_endpoint=f"{HERE}:{jobs}",
            worker_pool=f"{HERE}:{pool}",
            rest=f"http://{HERE}:{rest}",
            logs=logs,
            version=_get(f"http://{HERE}:{rest}/overview")["flink-version"],
        )


def _deployment() -> dict[str, Any]:
    return yaml.safe_load(DEPLOYMENT.read_text(encoding="utf-8"))["spec"]


def _write_configuration(folder: Path, rest: int, rpc: int) -> Path:
    """Writes Flink's configuration: the deployment's, with addresses on the loopback."""
    deployment = _deployment()
    for name in ("conf", "flink-tmp", "worker-tmp"):
        (folder / name).mkdir()
    settings = deployment["flinkConfiguration"] | {
        "jobmanager.rpc.address": HERE,
        "jobmanager.rpc.port": rpc,
        "jobmanager.bind-host": HERE,
        "jobmanager.memory.process.size": deployment["jobManager"]["resource"]["memory"],
        "taskmanager.host": HERE,
        "taskmanager.bind-host": HERE,
        "taskmanager.memory.process.size": deployment["taskManager"]["resource"]["memory"],
        "rest.address": HERE,
        "rest.bind-address": HERE,
        "rest.port": rest,
        "blob.server.port": 0,
        "taskmanager.rpc.port": 0,
        "taskmanager.data.port": 0,
        "io.tmp.dirs": str(folder / "flink-tmp"),
    }
    conf = folder / "conf"
    (conf / "config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return conf


def _java(*options: str) -> list[str]:
    return ["java", *options, "-cp", f"{JARS / 'lib'}/*"]


def _sizes(process: str, conf: Path) -> tuple[list[str], list[str]]:
    """Returns the options of the Java virtual machine and of Flink for a process, `JM` or `TM`."""
    command = [*_java("-Xmx256m"), _SIZES, f"GET_{process}_RESOURCE_PARAMS", "--configDir"]
    done = subprocess.run([*command, str(conf)], capture_output=True, text=True, check=True)
    jvm, settings = (
        line.removeprefix(_SIZES_PREFIX).split()
        for line in done.stdout.splitlines()
        if line.startswith(_SIZES_PREFIX)
    )
    return jvm, settings


@contextlib.contextmanager
def _process(
    command: tuple[str, ...], folder: Path, log: IO[str], environment: dict[str, str]
) -> Iterator[None]:
    process = subprocess.Popen(
        command, cwd=folder, stdout=log, stderr=subprocess.STDOUT, env=os.environ | environment
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as sockets:
        found = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind((HERE, 0))
        return [each.getsockname()[1] for each in found]


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((HERE, port)) == 0


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as reply:
        return json.load(reply)


def _wait(is_there: Any, logs: Path) -> None:
    """Waits for something to start; fails with the end of the logs."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if is_there():
                return
        time.sleep(0.5)
    ends = [f"{log.name}:\n{log.read_text('utf-8')[-2000:]}" for log in sorted(logs.iterdir())]
    raise AssertionError("Flink did not start.\n" + "\n".join(ends))
