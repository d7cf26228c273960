import http.server
import json
import re
import subprocess
import threading

import pytest
import yaml

from tests.kubeflow.model_server import FLAGS
from tests.kubeflow.rendered import ROOT, SERVING, flags

TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
SERVER = COMPOSE["services"]["serving"]


def with_defaults(text):
    """The text after Compose has put in the variables' defaults and undone the escapes."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def test_compose_knows_every_field():
    compose_spec = pytest.importorskip("compose_spec")
    compose_spec.PyCompose.from_yaml(with_defaults(TEXT)).validate()


def test_the_server_knows_every_flag():
    assert flags(SERVER["command"]).keys() <= FLAGS


def test_the_server_serves_the_model_that_was_asked_for():
    given = flags(SERVER["command"])
    [models] = SERVER["volumes"]
    assert given["model_base_path"] == f"{models['target']}/{given['model_name']}"
    assert SERVER["healthcheck"]["test"][-2] == given["model_name"]


def test_the_files_that_flags_name_are_those_of_the_cluster():
    targets = {each["source"]: each["target"] for each in SERVER["configs"]}
    assert targets.keys() == COMPOSE["configs"].keys()
    for name, config in COMPOSE["configs"].items():
        assert (ROOT / config["file"]).is_file()
        assert targets[name] in [*flags(SERVER["command"]).values(), *SERVER["healthcheck"]["test"]]


def test_only_this_machine_reaches_the_server():
    given = flags(SERVER["command"])
    ports = [given["port"], given["rest_api_port"]]
    assert SERVER["ports"] == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_the_server_has_no_more_rights_than_it_needs():
    assert SERVER["read_only"]
    assert SERVER["cap_drop"] == ["ALL"]
    assert SERVER["security_opt"] == ["no-new-privileges:true"]
    assert int(with_defaults(SERVER["user"]).split(":")[0]) > 0
    assert all(volume["read_only"] for volume in SERVER["volumes"])


class Predictions(http.server.BaseHTTPRequestHandler):
    """Answers Predict for the loaded model as TensorFlow Serving does, and 404 for any other."""

    loaded = "debian"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_found = self.path == f"/v1/models/{self.loaded}:predict"
        has_texts = len(request["inputs"]["text"]) > 0
        self.send_response(200 if is_found and has_texts else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def port():
    with http.server.HTTPServer(("127.0.0.1", 0), Predictions) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def healthy(port, model):
    """Runs the health check, but at another port."""
    kind, program, script, _, rest = SERVER["healthcheck"]["test"]
    assert (kind, script) == ("CMD", "/etc/nmt/translate.sh")
    assert rest == flags(SERVER["command"])["rest_api_port"]
    path = str(SERVING / "config/translate.sh")
    command = [program, path, model, str(port)]
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return result.returncode == 0


def test_the_server_is_healthy_while_its_model_is_loaded(port):
    assert healthy(port, "debian")


def test_the_server_is_not_healthy_without_its_model(port):
    assert not healthy(port, "multi30k")


def test_the_server_is_not_healthy_while_it_does_not_listen():
    with http.server.HTTPServer(("127.0.0.1", 0), Predictions, bind_and_activate=False) as closed:
        closed.server_bind()  # the port is taken, and nobody listens
        assert not healthy(closed.server_address[1], "debian")
