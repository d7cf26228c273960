import copy
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.beam import FLINK_VERSION, PortableSettings
from tests.kubeflow.operator_schema import operator_schema
from tests.kubeflow.rendered import ROOT, Manifest, find, flags, render

FLINK = ROOT / "kubeflow" / "flink"
FOLDERS = [FLINK / "base", FLINK / "overlays" / "shared-volume"]
KUBERNETES = ["1.29", "1.37"]  # the oldest that the README names, and the newest
LABEL = "app.kubernetes.io/name"
# The ports of Flink's processes: from kubernetes/utils/Constants.java for the REST service and the
# job manager's RPC, and from session-cluster.yaml for the others.
REST_PORT, RPC_PORT = 8081, 6123

every_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)


def the(folder: Path, kind: str, name: str) -> Manifest:
    [manifest] = [
        each for each in render(folder) if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    return manifest


def cluster(folder: Path) -> Manifest:
    """Returns the specification of the Flink cluster."""
    return the(folder, "FlinkDeployment", "nmt-flink")["spec"]


def merged(common: Any, own: Any) -> Any:
    """Merges two pod templates like the operator: lists of named objects by name."""
    if isinstance(common, dict) and isinstance(own, dict):
        return {key: merged(common.get(key), own.get(key)) for key in common | own}
    return copy.deepcopy(common if own is None else own)


def flink_pods(folder: Path) -> dict[str, Manifest]:
    """Returns the specifications of the job manager's and the task managers' pods."""
    spec = cluster(folder)
    templates = {
        name: merged(spec["podTemplate"], spec[name].get("podTemplate", {}))["spec"]
        for name in ("jobManager", "taskManager")
    }
    for pod in templates.values():
        # The operator fills it in.
        pod["containers"][0].setdefault("image", spec["image"])
    return templates


def job_server(folder: Path) -> Manifest:
    pod = the(folder, "Deployment", "nmt-beam-jobs")["spec"]["template"]["spec"]
    [container] = pod["containers"]
    return container


def worker_pool(folder: Path) -> Manifest:
    [container] = flink_pods(folder)["taskManager"]["initContainers"]
    return container


def assert_valid(manifest: Manifest, kubernetes: str) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(manifest, kubernetes, strict=True)


@every_folder
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_knows_every_field(folder: Path, kubernetes: str) -> None:
    for manifest in render(folder):
        if manifest["kind"] != "FlinkDeployment":
            assert_valid(manifest, kubernetes)


@every_folder
@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_kubernetes_knows_every_field_of_flinks_pods(folder: Path, kubernetes: str) -> None:
    for spec in flink_pods(folder).values():
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}
        assert_valid(pod, kubernetes)


@every_folder
def test_the_operator_knows_every_field(folder: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = operator_schema("flinkdeployments")
    manifest = copy.deepcopy(the(folder, "FlinkDeployment", "nmt-flink"))
    # Every object of Kubernetes has these fields, so definitions do not list them.
    del manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    jsonschema.Draft7Validator(schema).validate(manifest)


def test_the_operators_schema_refuses_a_misspelled_field() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = operator_schema("flinkdeployments")
    for path in (("flinkVersoin",), ("taskManager", "podTemplate", "spec", "volums")):
        manifest = {"spec": copy.deepcopy(cluster(FOLDERS[0]))}
        inner = manifest["spec"]
        for key in path[:-1]:
            inner = inner[key]
        inner[path[-1]] = "x"
        with pytest.raises(jsonschema.ValidationError, match=path[-1]):
            jsonschema.Draft7Validator(schema).validate(manifest)


@every_folder
def test_nothing_is_there_twice(folder: Path) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in render(folder)]
    assert len(set(names)) == len(names)


@every_folder
def test_everything_belongs_to_the_application(folder: Path) -> None:
    for manifest in render(folder):
        assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "attention-nmt"


def test_flink_has_one_version_everywhere() -> None:
    spec = cluster(FOLDERS[0])
    assert re.match(r"flink:(\d+\.\d+)\.\d+-java17$", spec["image"])[1] == FLINK_VERSION
    assert spec["flinkVersion"] == f"v{FLINK_VERSION.replace('.', '_')}"
    version = metadata.version("apache-beam")
    image = f"apache/beam_flink{FLINK_VERSION}_job_server:{version}"
    assert job_server(FOLDERS[0])["image"] == image


def test_what_is_tested_on_one_machine_is_of_that_version_too() -> None:
    pom = (ROOT / "scripts" / "flink" / "pom.xml").read_text(encoding="utf-8")
    [version] = re.findall(r"<flink.version>(.*)</flink.version>", pom)
    assert cluster(FOLDERS[0])["image"] == f"flink:{version}-java17"


def test_beam_publishes_a_job_server_for_that_version() -> None:
    options = pytest.importorskip("apache_beam.options.pipeline_options")
    assert FLINK_VERSION in options.FlinkRunnerOptions.PUBLISHED_FLINK_VERSIONS


def test_flink_reads_every_setting_as_text() -> None:
    # The definition requires strings, and Kubernetes rejects numbers.
    settings = cluster(FOLDERS[0])["flinkConfiguration"]
    assert all(isinstance(value, str) for value in settings.values())


def test_the_pool_listens_where_the_pipelines_configuration_looks_for_it() -> None:
    container = worker_pool(FOLDERS[0])
    port = flags(container["args"])["service_port"]
    assert PortableSettings().worker_pool == f"localhost:{port}"
    assert [each["containerPort"] for each in container["ports"]] == [int(port)]


def test_the_pool_is_there_before_flink_and_for_as_long() -> None:
    container = worker_pool(FOLDERS[0])
    assert container["restartPolicy"] == "Always"
    assert container["startupProbe"]["tcpSocket"]["port"] == container["ports"][0]["name"]


def test_the_job_server_hands_jobs_to_this_cluster() -> None:
    # Flink's name for the service of its REST port: ExternalServiceDecorator.java.
    name = the(FOLDERS[0], "FlinkDeployment", "nmt-flink")["metadata"]["name"]
    assert flags(job_server(FOLDERS[0])["args"])["flink-master"] == f"{name}-rest:{REST_PORT}"


def test_the_job_server_listens_where_its_service_says() -> None:
    given = flags(job_server(FOLDERS[0])["args"])
    service = the(FOLDERS[0], "Service", "nmt-beam-jobs")
    assert given["job-host"] == service["metadata"]["name"]
    ports = {each["targetPort"]: str(each["port"]) for each in service["spec"]["ports"]}
    assert ports == {"jobs": given["job-port"], "artifacts": given["artifact-port"]}
    container = {
        each["name"]: str(each["containerPort"]) for each in job_server(FOLDERS[0])["ports"]
    }
    assert container == ports


@every_folder
def test_every_selector_finds_pods(folder: Path) -> None:
    deployment = the(folder, "Deployment", "nmt-beam-jobs")
    labels = {
        "nmt-beam-jobs": deployment["spec"]["template"]["metadata"]["labels"],
        "nmt-flink": cluster(folder)["podTemplate"]["metadata"]["labels"],
    }
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels["nmt-beam-jobs"].items()
    service = the(folder, "Service", "nmt-beam-jobs")["spec"]["selector"]
    assert service.items() <= labels["nmt-beam-jobs"].items()
    for name, own in labels.items():
        selector = the(folder, "NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"]
        assert selector.items() <= own.items()
    named = {each[LABEL] for each in find(list(render(folder)), "matchLabels") if LABEL in each}
    assert named == labels.keys()


def test_nobody_reaches_a_worker_pool_over_the_network() -> None:
    port = int(flags(worker_pool(FOLDERS[0])["args"])["service_port"])
    rules = the(FOLDERS[0], "NetworkPolicy", "nmt-flink")["spec"]["ingress"]
    assert all(rule["ports"] for rule in rules)
    assert port not in {each["port"] for rule in rules for each in rule["ports"]}


def test_flinks_processes_reach_each_other_on_every_port_that_they_use() -> None:
    settings = cluster(FOLDERS[0])["flinkConfiguration"]
    own = {int(value) for name, value in settings.items() if name.endswith(".port")} | {RPC_PORT}
    policy = the(FOLDERS[0], "NetworkPolicy", "nmt-flink")["spec"]
    inside = [
        rule
        for rule in policy["ingress"]
        for peer in rule["from"]
        if peer.get("podSelector", {}).get("matchLabels", {}).get(LABEL) == "nmt-flink"
    ]
    assert own == {each["port"] for rule in inside for each in rule["ports"]}
    assert own <= {each["port"] for rule in policy["egress"] for each in rule["ports"]}


def test_only_the_job_server_and_the_operator_hand_in_jobs() -> None:
    policy = the(FOLDERS[0], "NetworkPolicy", "nmt-flink")["spec"]
    [rule] = [
        each for each in policy["ingress"] if REST_PORT in {port["port"] for port in each["ports"]}
    ]
    assert len(rule["ports"]) == 1
    assert {value for peer in rule["from"] for value in set_of_labels(peer)} == {
        "nmt-beam-jobs",
        "flink-operator",
    }


def set_of_labels(peer: Manifest) -> set[str]:
    return {value for labels in find(peer, "matchLabels") for value in labels.values()}


@every_folder
def test_the_pods_have_no_more_rights_than_they_need(folder: Path) -> None:
    """Checks Kubernetes' Pod Security Standard `restricted` and read-only file systems.

    Flink is an exception, since its start script writes files beside the program.
    """
    pods = [
        the(folder, "Deployment", "nmt-beam-jobs")["spec"]["template"]["spec"],
        *flink_pods(folder).values(),
    ]
    for pod in pods:
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            security = {**pod["securityContext"], **container["securityContext"]}
            assert security["runAsNonRoot"] is True
            assert security["runAsUser"] > 0
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            if container["name"] != "flink-main-container":
                assert security["readOnlyRootFilesystem"] is True
                assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
                assert "memory" in container["resources"]["limits"]
        for volume in pod.get("volumes", []):
            assert volume.keys() - {"name"} <= {"emptyDir", "persistentVolumeClaim"}


@every_folder
def test_only_the_job_manager_may_talk_to_kubernetes(folder: Path) -> None:
    pods = flink_pods(folder)
    assert pods["taskManager"]["automountServiceAccountToken"] is False
    assert "automountServiceAccountToken" not in pods["jobManager"]
    deployment = the(folder, "Deployment", "nmt-beam-jobs")["spec"]["template"]["spec"]
    assert deployment["automountServiceAccountToken"] is False
    for rule in the(folder, "Role", "nmt-flink")["rules"]:
        assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
    [subject] = the(folder, "RoleBinding", "nmt-flink")["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": cluster(folder)["serviceAccount"]}


@every_folder
def test_each_volume_is_mounted_and_each_mount_has_its_volume(folder: Path) -> None:
    pod = flink_pods(folder)["taskManager"]
    mounts = {each["name"] for each in worker_pool(folder)["volumeMounts"]}
    assert mounts == {each["name"] for each in pod["volumes"]}


def test_the_shared_volume_is_the_workspace_of_the_workers() -> None:
    folder = FLINK / "overlays" / "shared-volume"
    [mount] = [each for each in worker_pool(folder)["volumeMounts"] if each["name"] == "workspace"]
    assert mount["mountPath"] == "/nmt"
    [claim] = find(flink_pods(folder)["taskManager"]["volumes"], "claimName")
    volume = yaml.safe_load((ROOT / "kubeflow/workspace-claim.yaml").read_text(encoding="utf-8"))
    assert volume["metadata"]["name"] == claim
    assert volume["spec"]["accessModes"] == ["ReadWriteMany"]


def test_the_workers_have_the_image_of_the_tasks() -> None:
    source = (FLINK / "base" / "kustomization.yaml").read_text(encoding="utf-8")
    [image] = yaml.safe_load(source)["images"]
    assert worker_pool(FOLDERS[0])["image"] == f"{image['name']}:{image['newTag']}"


def test_a_job_has_buffers_for_all_stages_that_run_at_once() -> None:
    """In every slot, one buffer of 32 KiB for each vertex of the largest graph."""
    settings = cluster(FOLDERS[0])["flinkConfiguration"]
    largest_graph = 458  # Transform's: `make test-flink` prints its tasks
    buffers = int(settings["taskmanager.network.sort-shuffle.min-buffers"])
    memory = int(settings["taskmanager.memory.network.min"].removesuffix("m"))
    assert largest_graph * buffers * 32 / 1024 <= memory
