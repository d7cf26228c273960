"""`nmt submit` with Kubeflow's own client, against a server on loopback that answers as its REST
API (v2beta1) is documented."""

import http.server
import json
import threading
from pathlib import Path

import pytest
import yaml

from pipeline import cli
from tests.pipeline.kubeflow.kubeflow_server import KubeflowServer

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


@pytest.fixture
def start():
    servers = []

    def start(**options):
        servers.append(KubeflowServer(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # the client keeps a file of contexts there
    path = tmp_path / "pipeline.yaml"
    path.write_text(yaml.safe_dump(SPECIFICATION), encoding="utf-8")
    return str(path)


def submit(*arguments):
    return cli.main(["submit", *arguments, "--poll-seconds", "0.01"])


def test_a_first_run_uploads_the_pipeline_and_is_followed_to_its_end(file, start, capsys):
    kubeflow = start()
    assert submit(file, "--host", kubeflow.host, "--param", "epochs=3") == 0
    [uploaded] = kubeflow.pipelines["", "captions"]
    assert Path(file).read_text(encoding="utf-8") in uploaded
    [run] = kubeflow.runs
    assert run["pipeline_version_reference"] == {"pipeline_id": "0", "pipeline_version_id": "v1"}
    assert run["runtime_config"] == {"parameters": {"epochs": 3}}
    shown = capsys.readouterr()
    assert "/#/runs/details/1" in shown.out
    assert [line.split()[-1] for line in shown.err.splitlines()] == [
        "pending", "running", "succeeded", "succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize("namespace", [[], ["--namespace", "team-a"]])
def test_a_known_pipeline_gets_another_version(file, start, namespace):
    kubeflow = start()
    for _ in range(2):
        assert submit(file, "--host", kubeflow.host, "--no-follow", *namespace) == 0
    [(key, versions)] = kubeflow.pipelines.items()
    assert key == ("".join(namespace[1:]), "captions")
    assert len(versions) == 2
    assert kubeflow.runs[1]["pipeline_version_reference"]["pipeline_version_id"] == "v2"
    assert {run["namespace"] for run in kubeflow.runs} == {key[0]}


def test_each_namespace_has_its_own_pipeline(file, start):
    kubeflow = start()
    for name in ("team-a", "team-b"):
        assert submit(file, "--host", kubeflow.host, "--no-follow", "--namespace", name) == 0
    assert kubeflow.pipelines.keys() == {("team-a", "captions"), ("team-b", "captions")}


def test_a_schedule_is_one_of_six_fields_that_lets_runs_wait(file, start):
    kubeflow = start()
    assert submit(file, "--host", kubeflow.host, "--schedule", "0 0 3 * * *") == 0
    [schedule] = kubeflow.schedules
    assert schedule["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert str(schedule["max_concurrency"]) == "1"
    assert schedule["no_catchup"] is True
    assert kubeflow.runs == []


@pytest.mark.parametrize("root", ["minio://mlpipeline/nmt", None])
def test_runs_and_schedules_write_to_the_compiled_pipeline_root(file, start, root):
    compiled = SPECIFICATION if root is None else {**SPECIFICATION, "defaultPipelineRoot": root}
    Path(file).write_text(yaml.safe_dump(compiled), encoding="utf-8")
    kubeflow = start()
    assert submit(file, "--host", kubeflow.host, "--no-follow") == 0
    assert submit(file, "--host", kubeflow.host, "--schedule", "0 0 3 * * *") == 0
    for each in (*kubeflow.runs, *kubeflow.schedules):
        assert each["runtime_config"].get("pipeline_root") == root


@pytest.mark.parametrize("state", ["FAILED", "CANCELED"])
def test_a_run_that_does_not_succeed_ends_with_1(file, start, state):
    assert submit(file, "--host", start(last_state=state).host) == 1


def test_json_names_the_run_and_its_state(file, start, capsys):
    assert submit(file, "--host", start().host, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["run"], answer["state"]) == ("1", "SUCCEEDED")


def test_a_dry_run_sends_nothing_and_says_what_it_would(file, start, capsys):
    kubeflow = start()
    arguments = ["--dry-run", "--json", "--param", "min_bleu=20"]
    assert submit(file, "--host", kubeflow.host, *arguments) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["parameters"] == {
        "epochs": 10, "min_bleu": 20.0, "corpus": "/nmt/corpora/captions",
    }  # fmt: skip
    assert kubeflow.requests == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dry-run", "--param", "epoch=3"], "give NAME=VALUE, with one of the names corpus,"),
        (["--dry-run", "--param", "epochs"], "give NAME=VALUE"),
        (["--dry-run", "--param", "epochs=3.5"], "epochs must be a whole number"),
        (["--dry-run", "--param", "min_bleu=high"], "min_bleu must be a number"),
        (["--dry-run", "--param", "epochs=2.5"], "epochs must be a whole number"),
        (["--dry-run", "--param", "epochs=-1"], "The run's parameter epochs is -1"),
        (["--dry-run", "--param", "min_bleu=500"], "The run's parameter min_bleu is 500"),
        (["--dry-run", "--param", "min_bleu=nan"], "The run's parameter min_bleu is nan"),
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


@pytest.mark.parametrize("version", ["2.4.1", "2.5.0", "master", ""])
def test_a_server_too_old_for_the_file_gets_nothing(file, start, version, capsys):
    volumes = {"platforms": {"kubernetes": {"executors": {"Trainer": {"pvcMount": []}}}}}
    Path(file).write_text(yaml.safe_dump_all([SPECIFICATION, volumes]), encoding="utf-8")
    kubeflow = start(version=version)
    is_too_old = version == "2.4.1"
    arguments = ["--host", kubeflow.host, "--no-follow"]
    assert submit(file, *arguments) == (2 if is_too_old else 0)
    assert bool(kubeflow.pipelines) is not is_too_old
    sentence = "2.4.1 is too old for kubeflow.volumes: update it to 2.5.0 or newer."
    assert (sentence in capsys.readouterr().err) is is_too_old


def test_a_refusal_is_told_in_the_servers_words(file, start, capsys):
    assert submit(file, "--host", start(rejects=True).host) == 1
    assert "rejected the request (403): User cannot create runs." in capsys.readouterr().err


class _NoLogin(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(401)

    def log_message(self, *_):
        pass


def test_a_refused_login_is_called_one_and_no_password_is_shown(file, capsys):
    with http.server.HTTPServer(("127.0.0.1", 0), _NoLogin) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_port}"
        assert submit(file, "--host", f"http://me:hunter2@{place}") == 1
        server.shutdown()
    said = capsys.readouterr().err
    assert said == (
        f"nmt: http://{place} refused the login (401): set KFP_TOKEN to a valid token.\n"
    )


def test_a_server_that_is_not_there_is_named_without_the_password(file, capsys):
    assert submit(file, "--host", "http://me:hunter2@127.0.0.1:1") == 1
    said = capsys.readouterr().err
    assert said.startswith("nmt: http://127.0.0.1:1 does not answer")
    assert "hunter2" not in said
