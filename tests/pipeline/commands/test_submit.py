"""`nmt submit` with Kubeflow's own client, against a server on loopback that answers as its REST
API (v2beta1) is documented."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlparse

import pytest
import yaml

from pipeline import cli

SPECIFICATION = {
    "schemaVersion": "2.1.0",
    "sdkVersion": "tfx-1.21.0",
    "pipelineInfo": {"name": "captions"},
    "root": {
        "inputDefinitions": {
            "parameters": {
                "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 10},
                "min_bleu": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 15.0},
                "corpus": {"parameterType": "STRING", "defaultValue": "/nmt/corpora/captions"},
            }
        },
        "dag": {"tasks": {"Trainer": {"componentRef": {"name": "Trainer"}}}},
    },
    "components": {"Trainer": {"executorLabel": "Trainer_executor"}},
    "deploymentSpec": {"executors": {"Trainer_executor": {"container": {"image": "nmt"}}}},
}
STATES = ["PENDING", "RUNNING", "SUCCEEDED"]


class Cluster:
    """Kubeflow Pipelines as far as `nmt submit` asks it."""

    def __init__(self, last_state="SUCCEEDED", knows_pipeline=False, refuses=False):
        self.requests = []
        self._states = [*STATES[:-1], last_state]
        self._knows_pipeline = knows_pipeline
        self._refuses = refuses

    def answer(self, method, path, body):
        self.requests.append((method, path, body))
        if self._refuses and method == "POST":
            return 403, {"error": "User cannot create runs."}
        route = (method, path.removeprefix("/apis/v2beta1"))
        if route == ("GET", "/healthz"):
            return 200, {"multi_user": False}
        if route == ("GET", "/pipelines"):
            known = [{"pipeline_id": "p1", "display_name": "captions"}]
            return 200, {"pipelines": known if self._knows_pipeline else []}
        if route == ("POST", "/pipelines/upload"):
            return 200, {"pipeline_id": "p1", "display_name": "captions"}
        if route == ("POST", "/pipelines/upload_version"):
            return 200, {"pipeline_id": "p1", "pipeline_version_id": "v2"}
        if route == ("GET", "/pipelines/p1/versions"):
            return 200, {"pipeline_versions": [{"pipeline_version_id": "v1"}]}
        if route == ("GET", "/experiments"):
            return 200, {"experiments": [{"experiment_id": "e1", "display_name": "captions"}]}
        if route == ("POST", "/runs"):
            return 200, {"run_id": "r1", "display_name": body["display_name"]}
        if route == ("POST", "/recurringruns"):
            return 200, {"recurring_run_id": "s1"}
        if route == ("GET", "/runs/r1"):
            state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
            return 200, {
                "run_id": "r1",
                "display_name": "captions-1",
                "state": state,
                "run_details": {"task_details": [{"display_name": "Trainer", "state": state}]},
            }
        return 404, {"error": f"nothing at {method} {path}"}

    def sent(self, method, end):
        """The bodies of the requests to a path."""
        return [body for verb, path, body in self.requests if verb == method and path.endswith(end)]


@pytest.fixture
def serve():
    servers = []

    def start(cluster):
        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                is_json = "json" in self.headers.get("Content-Type", "") and content
                body = json.loads(content) if is_json else content
                status, answer = cluster.answer(self.command, urlparse(self.path).path, body)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # the client keeps a file of contexts there
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump(SPECIFICATION), encoding="utf-8")
    return str(path)


def submit(*arguments):
    return cli.main(["submit", *arguments, "--poll-seconds", "0.01"])


def test_a_first_run_uploads_the_pipeline_and_is_followed_to_its_end(file, serve, capsys):
    cluster = Cluster()
    assert submit(file, "--host", serve(cluster), "--param", "epochs=3") == 0
    assert len(cluster.sent("POST", "/pipelines/upload")) == 1
    [run] = cluster.sent("POST", "/runs")
    assert run["pipeline_version_reference"] == {"pipeline_id": "p1", "pipeline_version_id": "v1"}
    assert run["runtime_config"]["parameters"] == {"epochs": 3}
    shown = capsys.readouterr()
    assert "/#/runs/details/r1" in shown.out
    assert [line.split()[-1] for line in shown.err.splitlines()] == [
        "pending", "running", "succeeded", "succeeded",
    ]  # fmt: skip


def test_a_known_pipeline_gets_another_version(file, serve):
    cluster = Cluster(knows_pipeline=True)
    assert submit(file, "--host", serve(cluster), "--no-follow") == 0
    assert len(cluster.sent("POST", "/pipelines/upload_version")) == 1
    [run] = cluster.sent("POST", "/runs")
    assert run["pipeline_version_reference"]["pipeline_version_id"] == "v2"


def test_a_schedule_is_one_of_six_fields_that_lets_runs_wait(file, serve):
    cluster = Cluster()
    assert submit(file, "--host", serve(cluster), "--schedule", "0 0 3 * * *") == 0
    [schedule] = cluster.sent("POST", "/recurringruns")
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert str(schedule["max_concurrency"]) == "1"
    assert schedule["no_catchup"] is True
    assert cluster.sent("POST", "/runs") == []


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_does_not_succeed_ends_with_1(file, serve, state):
    assert submit(file, "--host", serve(Cluster(last_state=state))) == 1


def test_json_names_the_run_and_its_state(file, serve, capsys):
    assert submit(file, "--host", serve(Cluster()), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["run"], answer["state"]) == ("r1", "SUCCEEDED")


def test_a_dry_run_sends_nothing_and_says_what_it_would(file, serve, capsys):
    cluster = Cluster()
    host = serve(cluster)
    assert submit(file, "--host", host, "--dry-run", "--json", "--param", "min_bleu=20") == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["parameters"] == {
        "epochs": 10, "min_bleu": 20.0, "corpus": "/nmt/corpora/captions",
    }  # fmt: skip
    assert cluster.requests == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dry-run", "--param", "epoch=3"], "give NAME=VALUE, with one of the names corpus,"),
        (["--dry-run", "--param", "epochs"], "give NAME=VALUE"),
        (["--dry-run", "--param", "epochs=3.5"], "epochs must be a whole number"),
        (["--dry-run", "--param", "min_bleu=high"], "min_bleu must be a number"),
        (["--dry-run", "--schedule", "0 3 * * *"], "must have six fields"),
        ([], "give --host, or --dry-run"),
    ],
)
def test_a_mistake_is_a_sentence_and_sends_nothing(file, arguments, sentence, capsys, monkeypatch):
    monkeypatch.delenv("KF_PIPELINES_ENDPOINT", raising=False)
    assert submit(file, *arguments) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", "a: b: c", "root: {}"])
def test_a_file_without_a_sound_pipeline_is_refused(tmp_path: Path, text, capsys):
    path = tmp_path / "other.yaml"
    path.write_text(text, encoding="utf-8")
    assert submit(str(path), "--dry-run") == 2
    assert str(path) in capsys.readouterr().err


def test_a_refusal_is_told_in_the_servers_words(file, serve, capsys):
    assert submit(file, "--host", serve(Cluster(refuses=True))) == 1
    assert "rejected the request (403): User cannot create runs." in capsys.readouterr().err
