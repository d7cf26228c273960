"""Every command of the pages for clusters is run: kubectl and nmt, against servers on loopback."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import cli
from tests.documentation import blocks
from tests.kubeflow.kubernetes_server import KubernetesServer
from tests.kubeflow.rendered import ROOT, tool
from tests.pipeline.kubeflow.kubeflow_server import KubeflowServer

pytestmark = pytest.mark.slow

VERSION = "1795356168"

NOT_RUN = {
    "make": "tests/test_documentation.py checks the targets",
    "NMT_FLINK_PAIRS=2000": "a setting of make",
    "docker": "needs a registry",
    "helm": "is not among the development packages",
    "nmt corpus": "tests/pipeline/commands/test_corpus.py runs it",
}
SHELL = """set -eu
kubectl() {
    # tests/kubeflow/test_serving_manifests.py compares the fields with the schemas, and
    # test_serving_readme.py the names of what is forwarded.
    case "$1 ${2:-}" in
        "create secret") # which it would send as protocol buffers
            command kubectl "$@" --dry-run=client -o json |
                command kubectl apply --validate=false -f - ;;
        "apply "* | "create "*) command kubectl "$1" --validate=false "${@:2}" ;;
        "port-forward "*) ;;
        *) command kubectl "$@" ;;
    esac
}
docker() { :; }
make() { :; }
curl() { :; }
"""
INSTALLED = [
    # The address of the installation of Kubeflow Pipelines, and of Flink's pages.
    ("ml-pipeline-ui", 80),
    ("nmt-flink-rest", 8081),
]


class Cluster:
    """A cluster with Kubeflow Pipelines, and the shell of its user.

    Args:
      folder: the user's folder, with the manifests and a corpus.
    """

    def __init__(self, folder: Path) -> None:
        self.kubernetes = KubernetesServer(folder / "container", "kubeflow")
        self.kubeflow = KubeflowServer()
        self._folder = folder
        self._environment = {
            **os.environ, "HOME": str(folder), "KUBECONFIG": str(folder / "config"),
        }  # fmt: skip
        (folder / "kubeflow").symlink_to(ROOT / "kubeflow")
        corpus = folder / "workspace" / "corpora" / "debian"
        corpus.mkdir(parents=True)
        (corpus / "train.tsv").write_text("Ein Satz.\tA sentence.\n", encoding="utf-8")
        self.kubectl("config", "set-cluster", "stub", "--server", self.kubernetes.host)
        self.kubectl("config", "set-context", "stub", "--cluster", "stub")
        self.kubectl("config", "use-context", "stub")
        for name, port in INSTALLED:
            self._add_service(name, port)

    def close(self) -> None:
        self.kubernetes.close()
        self.kubeflow.close()

    def run(self, words: list[str]) -> None:
        """Runs a command of a page; fails if the command does."""
        if words[0] == "nmt":
            given = [self.kubeflow.host if word.startswith("http:") else word for word in words]
            often = ["--poll-seconds", "0.01"] if words[1] == "submit" else []
            assert cli.main([*given[1:], *often]) == 0, words
        elif "port-forward" in words:
            self._forward(words[1:])
        else:
            assert words[0] == "kubectl", f"{words}: run it, or say in NOT_RUN why not"
            # tests/kubeflow/test_*_manifests.py compare the fields with the schemas.
            unchecked = ["--validate=false"] if words[1] == "apply" else []
            self.kubectl(*words[1:2], *unchecked, *words[2:])

    def run_block(self, text: str) -> None:
        """Runs a block of the page about serving in a shell."""
        python = self._folder / ".venv" / "bin" / "python"
        if not python.exists():
            python.parent.mkdir(parents=True)
            python.write_text("#!/bin/sh\ncat >/dev/null\n", encoding="utf-8")
            python.chmod(0o755)
            version = self._folder / "workspace" / "models" / "debian" / VERSION
            version.mkdir(parents=True)
            (version / "saved_model.pb").write_bytes(b"model")
            for name in ("tls.key", "tls.crt"):
                (self._folder / name).write_text(f"{name}\n", encoding="utf-8")
            (self.kubernetes.folder / "models").mkdir(parents=True, exist_ok=True)
        search = f"{Path(tool('kubectl')).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", SHELL + text], cwd=self._folder, capture_output=True, text=True,
            env={**self._environment, "PATH": search}, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"

    def kubectl(self, *words: str) -> None:
        done = subprocess.run(
            [tool("kubectl"), *words], cwd=self._folder, env=self._environment,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr}"

    def _forward(self, words: list[str]) -> None:
        """Forwards a free port instead of the page's, until the first connection is possible."""
        free = [f":{word.partition(':')[2]}" if word[0].isdigit() else word for word in words]
        with subprocess.Popen(
            [tool("kubectl"), *free], env=self._environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            first = process.stdout.readline()
            process.terminate()
        assert first.startswith("Forwarding from"), f"{words}: {first}"

    def _add_service(self, name: str, port: int) -> None:
        version, metadata = {"apiVersion": "v1"}, {"name": name, "labels": {"app": name}}
        ports = [{"port": port, "targetPort": port}]
        service = {"selector": {"app": name}, "ports": ports}
        pod = {"containers": [{"name": name, "ports": [{"containerPort": port}]}]}
        for kind, spec in (("Service", service), ("Pod", pod)):
            manifest = {**version, "kind": kind, "metadata": dict(metadata), "spec": spec}
            self.kubernetes.add("kubeflow", manifest)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster on which all commands of the pages ran, twice."""
    folder = tmp_path_factory.mktemp("cluster")
    cluster = Cluster(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HOME", str(folder))  # Kubeflow's client keeps a file of contexts there
        for page in ("kubeflow/README.md", "kubeflow/flink/README.md"):
            commands = [words for block in blocks(ROOT / page) for words in block.commands()]
            for words in commands * 2:
                if not {words[0], " ".join(words[:2])} & NOT_RUN.keys():
                    cluster.run(words)
        for block in blocks(ROOT / "kubeflow/serving/README.md"):
            if block.language == "sh":
                cluster.run_block(block.text)
    yield cluster
    cluster.close()


def test_a_corpus_that_is_copied_twice_is_there_once(cluster: Cluster) -> None:
    corpora = cluster.kubernetes.folder / "nmt" / "corpora"
    files = [path.relative_to(corpora).as_posix() for path in corpora.rglob("*.*")]
    assert files == ["debian/train.tsv"]


def test_a_model_that_is_copied_appears_whole_in_the_served_folder(cluster: Cluster) -> None:
    models = cluster.kubernetes.folder / "models"
    files = [path.relative_to(models).as_posix() for path in models.rglob("*.*")]
    assert sorted(files) == [".incoming", f"debian/{VERSION}/saved_model.pb"]


def test_what_the_page_about_serving_makes_is_there(cluster: Cluster) -> None:
    for kind, name in (
        ("Job", "nmt-rollback-x"), ("Secret", "nmt-serving-tls"), ("InferenceService", "debian"),
        ("PrometheusRule", "nmt-serving"), ("HorizontalPodAutoscaler", "nmt-serving"),
    ):  # fmt: skip
        assert name in cluster.kubernetes.names("kubeflow", kind)


def test_the_pod_to_copy_with_is_gone_and_the_volumes_stay(cluster: Cluster) -> None:
    assert "nmt-workspace" not in cluster.kubernetes.names("kubeflow", "Pod")
    claims = cluster.kubernetes.names("kubeflow", "PersistentVolumeClaim")
    assert {"nmt-workspace", "nmt-models"} <= claims


def test_runs_and_schedules_got_what_the_page_says(cluster: Cluster) -> None:
    given = [run["runtime_config"].get("parameters", {}) for run in cluster.kubeflow.runs]
    assert given == [{}, {"epochs": 20, "min_bleu": 25.0}] * 2
    assert len(cluster.kubeflow.schedules) == 2
    [versions] = cluster.kubeflow.pipelines.values()
    assert len(versions) == 6
