"""An API server of Kubernetes on loopback that remembers objects by namespace, for kubectl.

A container's shell is this machine's: a command of `kubectl exec` or `kubectl cp` runs in a folder
that stands for the root of the container, so `/nmt/corpora` is `FOLDER/nmt/corpora`.
"""

import base64
import hashlib
import json
import shlex
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]

_KINDS = {
    "v1": "ConfigMap PersistentVolumeClaim Pod Secret Service ServiceAccount",
    "apps/v1": "Deployment",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "batch/v1": "Job",
    "monitoring.coreos.com/v1": "PrometheusRule ServiceMonitor",
    "networking.k8s.io/v1": "NetworkPolicy",
    "policy/v1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "flink.apache.org/v1beta1": "FlinkDeployment",
    "serving.kserve.io/v1beta1": "InferenceService",
}
_READY: Json = {
    # The state of an object some time after its creation, by kind.
    "Pod": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    "Deployment": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
                   "availableReplicas": 1, "readyReplicas": 1},
    "FlinkDeployment": {"jobManagerDeploymentStatus": "READY"},
    "InferenceService": {"conditions": [{"type": "Ready", "status": "True"}]},
    "Job": {"conditions": [{"type": "Complete", "status": "True"}]},
}  # fmt: skip
_EVENTS_END = {"k8s.io/initial-events-end": "true"}
_STDIN, _STDOUT, _ERROR, _CLOSE = 0, 1, 3, 255
"""Channels of a shell in the protocol `v5.channel.k8s.io`."""


def _plural(kind: str) -> str:
    return f"{kind.lower()[:-1]}ies" if kind.endswith("y") else f"{kind.lower()}s"


class KubernetesServer:
    """The API server.

    Args:
      folder: the root of every container.
      namespaces: the existing namespaces.
    """

    def __init__(self, folder: Path, *namespaces: str) -> None:
        self.objects: dict[tuple[str, str, str], Json] = {}
        """The objects by namespace, plural of the kind, and name."""
        self.folder = folder
        self.namespaces = namespaces
        handler = type("Handler", (_Handler,), {"cluster": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, namespace: str, manifest: Json) -> Json:
        """Adds an object, in the state that it has some time later."""
        metadata = manifest["metadata"]
        kind, name = manifest["kind"], metadata.get("name") or f"{metadata['generateName']}x"
        metadata |= {"name": name, "namespace": namespace, "uid": name, "generation": 1}
        manifest["metadata"]["resourceVersion"] = "1"
        manifest["status"] = _READY.get(kind, {})
        if kind == "Pod" and "chown" in str(manifest["spec"]):
            manifest["status"] = {"phase": "Succeeded"}
        self.objects[namespace, _plural(kind), name] = manifest
        return manifest

    def names(self, namespace: str, kind: str) -> set[str]:
        """Returns the names of a namespace's objects of a kind."""
        wanted = namespace, _plural(kind)
        return {key[2] for key in self.objects if key[:2] == wanted}


class _Handler(BaseHTTPRequestHandler):
    cluster: KubernetesServer
    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        url = urlsplit(self.path)
        query, parts = parse_qs(url.query), url.path.strip("/").split("/")
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts[-1] in ("exec", "portforward"):
            self._upgrade(parts, query)
        elif "namespaces" in parts:
            namespace, *object_ = parts[parts.index("namespaces") + 1 :]
            if namespace not in self.cluster.namespaces:
                self._fail(404, "NotFound")
            elif object_[2:] == ["scale"]:
                self._scale(namespace, *object_[:2], content)
            elif object_:
                self._object(namespace, object_[0], "".join(object_[1:]), query, content)
            else:
                metadata = {"name": namespace}
                self._answer(200, {"kind": "Namespace", "apiVersion": "v1", "metadata": metadata})
        else:
            self._answer(*self._discovery(parts))

    do_GET = do_POST = do_PATCH = do_DELETE = handle_any

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, status: int, *bodies: Json) -> None:
        text = "\n".join(json.dumps(body) for body in bodies).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _fail(self, status: int, reason: str) -> None:
        """Answers with an error that kubectl prints."""
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
        self._answer(status, {**body, "reason": reason, "message": f"{reason}: {self.path}"})

    def _discovery(self, parts: list[str]) -> tuple[int, Json]:
        """Returns the kinds known to the server."""
        if parts == ["api"]:
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if parts == ["apis"]:
            versions = [{"groupVersion": each, "version": each.split("/")[1]} for each in _KINDS
                        if "/" in each]  # fmt: skip
            groups = [{"name": each["groupVersion"].split("/")[0], "versions": [each],
                       "preferredVersion": each} for each in versions]  # fmt: skip
            return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        version = "/".join(parts[1:])
        if version not in _KINDS:
            return 404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
        resources = [
            {"name": _plural(kind), "singularName": kind.lower(), "kind": kind, "namespaced": True,
             "shortNames": ["svc"] if kind == "Service" else [],
             "verbs": ["create", "delete", "get", "list", "patch", "watch"]}
            for kind in _KINDS[version].split()
        ]  # fmt: skip
        return 200, {"kind": "APIResourceList", "groupVersion": version, "resources": resources}

    def _object(
        self, namespace: str, plural: str, name: str, query: dict[str, list[str]], content: bytes
    ) -> None:
        objects = self.cluster.objects
        if self.command == "POST":
            self._answer(201, self.cluster.add(namespace, json.loads(content)))
        elif name and (namespace, plural, name) not in objects:
            self._fail(404, "NotFound")
        elif self.command == "DELETE":
            self._answer(200, objects.pop((namespace, plural, name)))
        elif name:
            self._answer(200, objects[namespace, plural, name])
        else:
            wanted = query.get("fieldSelector", [""])[0].removeprefix("metadata.name=")
            label = query.get("labelSelector", [""])[0].partition("=")[::2]
            found = [value for key, value in objects.items()
                     if key[:2] == (namespace, plural) and wanted in ("", key[2])
                     and label in {("", ""), *value["metadata"].get("labels", {}).items()}
                     ]  # fmt: skip
            kind = next(kind for kinds in _KINDS.values() for kind in kinds.split()
                        if _plural(kind) == plural)  # fmt: skip
            version = next(each for each, kinds in _KINDS.items() if kind in kinds.split())
            if "watch" in query:
                metadata = {"resourceVersion": "1", "annotations": _EVENTS_END}
                end = {"kind": kind, "apiVersion": version, "metadata": metadata}
                events = [{"type": "ADDED", "object": each} for each in found]
                self._answer(200, *events, {"type": "BOOKMARK", "object": end})
                return
            self._answer(200, {"kind": f"{kind}List", "apiVersion": version,
                               "metadata": {"resourceVersion": "1"}, "items": found})  # fmt: skip

    def _scale(self, namespace: str, plural: str, name: str, content: bytes) -> None:
        """Answers for the number of pods of an object, after changing it."""
        spec = self.cluster.objects[namespace, plural, name]["spec"]
        spec |= json.loads(content or "{}").get("spec", {})
        self._answer(200, {
            "kind": "Scale", "apiVersion": "autoscaling/v1", "spec": {"replicas": spec["replicas"]},
            "metadata": {"name": name, "namespace": namespace, "resourceVersion": "1"},
            "status": {"replicas": 1},
        })  # fmt: skip

    def _upgrade(self, parts: list[str], query: dict[str, list[str]]) -> None:
        """Turns the connection into a WebSocket to a shell or to a port."""
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        digest = hashlib.sha1(key.encode()).digest()
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(digest).decode())
        protocol = self.headers["Sec-WebSocket-Protocol"].split(",")[0]
        self.send_header("Sec-WebSocket-Protocol", protocol)
        self.end_headers()
        self.close_connection = True
        if parts[-1] == "portforward":
            self.rfile.read(1)  # until kubectl ends
            return
        words = [self._inside(word) for word in query["command"]]
        given = self._stdin() if "stdin" in query else b""
        done = subprocess.run(words, input=given, capture_output=True, check=False)
        self._send(_STDOUT, done.stdout)
        status: Json = {"metadata": {}, "status": "Success"}
        if done.returncode:
            cause = {"reason": "ExitCode", "message": str(done.returncode)}
            status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
                      "message": f"{shlex.join(words)}: {done.stderr.decode()}",
                      "details": {"causes": [cause]}}  # fmt: skip
        self._send(_ERROR, json.dumps(status).encode())
        self.wfile.write(b"\x88\x02\x03\xe8")  # the end, with the status 1000

    def _inside(self, word: str) -> str:
        return f"{self.cluster.folder}{word}" if word.startswith("/") else word

    def _send(self, channel: int, data: bytes) -> None:
        length = len(data) + 1
        self.wfile.write(b"\x82\x7f" + length.to_bytes(8, "big") + bytes([channel]) + data)

    def _stdin(self) -> bytes:
        """Returns the input of a command, until kubectl closes it."""
        given = b""
        while True:
            opcode, length = self.rfile.read(2)
            length &= 0x7F
            if length > 125:
                length = int.from_bytes(self.rfile.read(2 if length == 126 else 8), "big")
            mask = self.rfile.read(4)
            data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(self.rfile.read(length)))
            if opcode & 0xF == 8 or data[:2] == bytes([_CLOSE, _STDIN]):
                return given
            if opcode & 0xF in (0, 2) and data[:1] == bytes([_STDIN]):
                given += data[1:]
