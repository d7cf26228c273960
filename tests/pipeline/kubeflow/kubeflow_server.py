"""The REST API (v2beta1) of Kubeflow Pipelines on loopback, as far as `nmt submit` calls it.

It remembers pipelines and experiments by namespace, and the request of every run and schedule.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]

STATES = ["PENDING", "RUNNING", "SUCCEEDED"]


class KubeflowServer:
    """The server.

    Args:
      last_state: the final state of every run.
      rejects: whether it rejects every change.
      version: its release, as its page of health names it.
    """

    def __init__(
        self, last_state: str = "SUCCEEDED", rejects: bool = False, version: str = "2.17.0"
    ) -> None:
        self.requests: list[tuple[str, str]] = []
        self.pipelines: dict[tuple[str, str], list[str]] = {}
        """The contents of all versions of a pipeline, by namespace and name."""
        self.experiments: list[tuple[str, str]] = []
        """Namespace and name."""
        self.runs: list[Json] = []
        """The body of each run's request, and the namespace of its experiment."""
        self.schedules: list[Json] = []
        """As `runs`, for schedules."""
        self._last_state = last_state
        self._rejects = rejects
        self._version = version
        self._states: dict[str, list[str]] = {}
        handler = type("Handler", (_Handler,), {"kubeflow": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.host = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Json]:
        """Returns the status and the body of an answer."""
        self.requests.append((method, path))
        namespace = query.get("namespace", "")
        if self._rejects and method == "POST":
            return 403, {"error": "User cannot create runs."}
        match method, path.removeprefix("/apis/v2beta1/").split("/"):
            case "GET", ["healthz"]:
                return 200, {"multi_user": False, "apiServerTagName": self._version}
            case "GET", ["pipelines"]:
                found = self._named(list(self.pipelines), namespace, query)
                return 200, {"pipelines": [{"pipeline_id": each} for each in found]}
            case "POST", ["pipelines", "upload"]:
                key = namespace, query["name"]
                if key in self.pipelines:
                    return 409, {"error": f"The pipeline {query['name']} already exists."}
                self.pipelines[key] = [body]
                return 200, {"pipeline_id": str(list(self.pipelines).index(key))}
            case "POST", ["pipelines", "upload_version"]:
                versions = list(self.pipelines.values())[int(query["pipelineid"])]
                versions.append(body)
                return 200, _version(query["pipelineid"], versions)
            case "GET", ["pipelines", pipeline, "versions"]:
                versions = list(self.pipelines.values())[int(pipeline)]
                return 200, {"pipeline_versions": [_version(pipeline, versions)]}
            case "GET", ["experiments"]:
                found = self._named(self.experiments, namespace, query)
                return 200, {"experiments": [{"experiment_id": each} for each in found]}
            case "POST", ["experiments"]:
                self.experiments.append((body.get("namespace", ""), body["display_name"]))
                return 200, {"experiment_id": str(len(self.experiments) - 1)}
            case "POST", ["runs"]:
                self.runs.append(self._with_namespace(body))
                self._states[str(len(self.runs))] = [*STATES[:-1], self._last_state]
                return 200, {"run_id": str(len(self.runs)), "display_name": body["display_name"]}
            case "POST", ["recurringruns"]:
                self.schedules.append(self._with_namespace(body))
                return 200, {"recurring_run_id": str(len(self.schedules))}
            case "GET", ["runs", run]:
                states = self._states[run]
                state = states.pop(0) if len(states) > 1 else states[0]
                tasks = [{"display_name": "Trainer", "state": state}]
                return 200, {"run_id": run, "display_name": "captions-1", "state": state,
                             "run_details": {"task_details": tasks}}  # fmt: skip
        return 404, {"error": f"nothing at {method} {path}"}

    def _named(
        self, known: list[tuple[str, str]], namespace: str, query: dict[str, str]
    ) -> list[str]:
        """Returns the ids (positions) of the entries of a namespace with the filter's name."""
        [wanted] = json.loads(query["filter"])["predicates"]
        key = namespace, wanted["stringValue"]
        return [str(known.index(key))] if key in known else []

    def _with_namespace(self, body: Json) -> Json:
        return {**body, "namespace": self.experiments[int(body["experiment_id"])][0]}


def _version(pipeline: str, versions: list[str]) -> Json:
    return {"pipeline_id": pipeline, "pipeline_version_id": f"v{len(versions)}"}


class _Handler(BaseHTTPRequestHandler):
    kubeflow: KubeflowServer

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_json = "json" in self.headers.get("Content-Type", "") and content
        body = json.loads(content) if is_json else content
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        status, answer = self.kubeflow.answer(self.command, url.path, query, body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = handle_any

    def log_message(self, *_: Any) -> None:
        pass
