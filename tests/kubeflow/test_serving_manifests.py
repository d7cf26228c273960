import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline import cli
from tests.kubeflow.model_server import FLAGS, parse_batching, parse_models, parse_monitoring
from tests.kubeflow.rendered import (
    DEPLOYMENTS,
    OVERLAYS,
    ROOT,
    SERVING,
    Manifest,
    containers,
    find,
    flags,
    of_kind,
    pod,
    render,
    rendered,
    server,
    server_config,
    the,
)

KUBERNETES = ["1.29", "1.37"]  # the oldest that the README names, and the newest
# Secrets with the names of their files; the README says how.
MADE_BY_HAND = {"nmt-object-store": [], "nmt-serving-tls": ["ssl.config"]}
UPLOAD_POD = yaml.safe_load((SERVING / "upload-pod.yaml").read_text(encoding="utf-8"))
ROLLBACK_JOB = yaml.safe_load((SERVING / "rollback-job.yaml").read_text(encoding="utf-8"))

# V1beta1PredictorSpec and V1beta1ModelSpec of KServe 0.21's Python SDK, without what they take
# over from Kubernetes' PodSpec and Container.
PREDICTOR_FIELDS = {
    "annotations": dict,
    "autoScaling": dict,
    "canaryTrafficPercent": int,
    "containerConcurrency": int,
    "deploymentStrategy": dict,
    "labels": dict,
    "maxReplicas": int,
    "minReplicas": int,
    "scaleMetric": str,
    "scaleTarget": int,
    "timeout": int,
}
MODEL_FIELDS = {
    "modelFormat": dict,
    "protocolVersion": str,
    "runtime": str,
    "runtimeVersion": str,
    "storageUri": str,
}
# The arguments of KServe's ClusterServingRuntime kserve-tensorflow-serving; ours come after them.
RUNTIME_FLAGS = {
    "model_name",
    "port",
    "rest_api_port",
    "model_base_path",
    "rest_api_timeout_in_ms",
}


def assert_valid(manifest: Manifest, kubernetes: str) -> None:
    """Fails on any field that this version of Kubernetes does not know, or has otherwise."""
    validator = pytest.importorskip("kubernetes_validate")
    validator.validate(manifest, kubernetes, strict=True)


def translating_probe(model: str, port: int) -> list[str]:
    """The command of a probe: translates with the model over REST."""
    return ["bash", "/etc/nmt/server/translate.sh", model, str(port)]


def split_predictor() -> tuple[Manifest, Manifest]:
    """KServe's own fields of the InferenceService, and the pod that the others describe."""
    predictor = copy.deepcopy(the("kserve", "InferenceService")["spec"]["predictor"])
    container = predictor.pop("model")
    own: Manifest = {}
    for spec, names in ((predictor, PREDICTOR_FIELDS), (container, MODEL_FIELDS)):
        own |= {name: spec.pop(name) for name in list(spec) if name in names}
    container |= {"name": "kserve-container", "image": "tensorflow/serving:2.21.0"}
    spec = {**predictor, "containers": [container]}
    return own, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}


def expected_by_reference(overlay: str) -> set[tuple[str, str]]:
    """What the pods refer to, as kind and name."""
    spec = pod(overlay)["spec"]
    names = {("ServiceAccount", each) for each in find(spec, "serviceAccountName")}
    names |= {("PersistentVolumeClaim", each) for each in find(spec, "claimName")}
    names |= {("Secret", each) for each in find(spec, "secretName")}
    for key, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        names |= {(kind, each["name"]) for each in find(spec, key)}
    names |= {("ConfigMap", each["name"]) for each in find(spec.get("volumes", []), "configMap")}
    for address in find(spec, "storageUri"):
        names.add(("PersistentVolumeClaim", address.removeprefix("pvc://").split("/")[0]))
    return names


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_knows_every_field(overlay: str, kubernetes: str) -> None:
    for manifest in rendered(overlay):
        if manifest["kind"] != "InferenceService":
            assert_valid(manifest, kubernetes)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("manifest", [UPLOAD_POD, ROLLBACK_JOB], ids=["upload", "rollback"])
def test_kubernetes_knows_every_field_of_what_runs_once(
    manifest: Manifest, kubernetes: str
) -> None:
    if "generateName" in manifest["metadata"]:
        # A validator of names only: `kubectl create` makes one.
        manifest = {**manifest, "metadata": {**manifest["metadata"], "name": "x"}}
    assert_valid(manifest, kubernetes)


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_an_inference_service_is_a_pod_with_fields_of_kserve(kubernetes: str) -> None:
    own, rest = split_predictor()
    assert_valid(rest, kubernetes)
    for name, value in own.items():
        assert isinstance(value, {**PREDICTOR_FIELDS, **MODEL_FIELDS}[name]), name


def test_an_inference_service_repeats_no_flag_of_its_runtime() -> None:
    assert not RUNTIME_FLAGS & flags(server("kserve")["args"]).keys()


def test_the_inference_service_has_the_first_port_for_grpc() -> None:
    # KServe's Service makes the first one port 80; the runtime listens on 9000 for gRPC.
    assert [port["containerPort"] for port in server("kserve")["ports"]] == [9000, 8080]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_is_there_twice(overlay: str) -> None:
    names = [(each["kind"], each["metadata"]["name"]) for each in rendered(overlay)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_belongs_to_the_application(overlay: str) -> None:
    for manifest in rendered(overlay):
        if manifest["kind"] != "ConfigMap" or manifest["metadata"].get("labels"):
            labels = manifest["metadata"]["labels"]
            assert labels["app.kubernetes.io/part-of"] == "attention-nmt"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_the_pods_refer_to_is_there(overlay: str) -> None:
    there = {(each["kind"], each["metadata"]["name"]) for each in rendered(overlay)}
    there |= {("Secret", name) for name in MADE_BY_HAND}
    assert expected_by_reference(overlay) <= there


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_volume_is_mounted_and_each_mount_has_its_volume(overlay: str) -> None:
    volumes = {each["name"] for each in pod(overlay)["spec"]["volumes"]}
    mounts = {each["name"] for one in containers(overlay) for each in one["volumeMounts"]}
    assert mounts == volumes


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_every_selector_finds_the_pods(overlay: str) -> None:
    labels = pod(overlay)["metadata"]["labels"].items()
    selectors = [
        the(overlay, "Deployment")["spec"]["selector"]["matchLabels"],
        the(overlay, "Service")["spec"]["selector"],
        the(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        the(overlay, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        *(each["matchLabels"] for each in find(pod(overlay)["spec"], "labelSelector")),
    ]
    assert all(selector.items() <= labels for selector in selectors)


def test_the_autoscaler_scales_the_deployment() -> None:
    target = the("cpu", "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    deployment = the("cpu", "Deployment")
    assert target["name"] == deployment["metadata"]["name"]
    assert (target["apiVersion"], target["kind"]) == ("apps/v1", "Deployment")
    # With a number of its own, each `kubectl apply` would undo what the autoscaler did.
    assert "replicas" not in deployment["spec"]


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_every_port_that_is_named_is_a_port_of_the_server(overlay: str) -> None:
    ports = {each["name"]: each["containerPort"] for each in server(overlay)["ports"]}
    service = the(overlay, "Service")["spec"]["ports"]
    assert {each["targetPort"]: each["port"] for each in service} == ports
    policy = the(overlay, "NetworkPolicy")["spec"]["ingress"]
    named = [port["port"] for rule in policy for port in rule["ports"]]
    named += [each["port"] for each in find(server(overlay), "httpGet")]
    assert set(named) <= ports.keys()


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_the_server_listens_where_its_container_says(overlay: str) -> None:
    ports = {each["name"]: str(each["containerPort"]) for each in server(overlay)["ports"]}
    given = flags(server(overlay)["args"])
    assert (given["port"], given["rest_api_port"]) == (ports["grpc"], ports["rest"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_server_knows_every_flag(overlay: str) -> None:
    assert flags(server(overlay)["args"]).keys() <= FLAGS


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_file_that_a_flag_names_is_mounted(overlay: str) -> None:
    volumes = {each["name"]: each for each in pod(overlay)["spec"]["volumes"]}
    files = set()
    for mount in server(overlay)["volumeMounts"]:
        if secret := volumes[mount["name"]].get("secret"):
            names = MADE_BY_HAND[secret["secretName"]]
            files |= {f"{mount['mountPath']}/{name}" for name in names}
        if config := volumes[mount["name"]].get("configMap"):
            names = of_kind(overlay, "ConfigMap")[config["name"]]["data"]
            files |= {f"{mount['mountPath']}/{name}" for name in names}
    container = server(overlay)
    given = flags(container["args"])
    used = {value for name, value in given.items() if name.endswith("_file")}
    assert used | {container["readinessProbe"]["exec"]["command"][1]} == files


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_the_server_is_ready_while_the_served_model_is(overlay: str) -> None:
    [model] = parse_models(server_config(overlay, "models.config")).config
    container = server(overlay)
    port = int(flags(container["args"])["rest_api_port"])
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["exec"]["command"] == translating_probe(model.name, port)


def test_the_inference_service_is_ready_while_its_model_is() -> None:
    name = the("kserve", "InferenceService")["metadata"]["name"]  # KServe names the model so
    for probe in ("startupProbe", "readinessProbe"):
        assert server("kserve")[probe]["exec"]["command"] == translating_probe(name, 8080)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_server_without_a_model_is_not_killed(overlay: str) -> None:
    path = parse_monitoring(server_config(overlay, "monitoring.config")).prometheus_config.path
    assert server(overlay)["livenessProbe"]["httpGet"]["path"] == path


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_prometheus_finds_the_metrics(overlay: str) -> None:
    prometheus = parse_monitoring(server_config(overlay, "monitoring.config")).prometheus_config
    assert prometheus.enable
    annotations = pod(overlay)["metadata"]["annotations"]
    assert annotations["prometheus.io/path"] == prometheus.path
    assert annotations["prometheus.io/port"] == flags(server(overlay)["args"])["rest_api_port"]


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_the_served_folder_is_in_the_volume_of_models(overlay: str) -> None:
    [model] = parse_models(server_config(overlay, "models.config")).config
    [mount] = [each for each in server(overlay)["volumeMounts"] if each["name"] == "models"]
    # A workspace has models/NAME/VERSION, and the model is asked by the pipeline's name.
    assert model.base_path == f"{mount['mountPath']}/{model.name}"
    assert mount["readOnly"]


def test_the_fetched_versions_are_the_served_ones() -> None:
    [model] = parse_models(server_config("object-store", "models.config")).config
    [sidecar] = pod("object-store")["spec"]["initContainers"]
    environment = {each["name"]: each["value"] for each in sidecar["env"]}
    assert environment["TARGET"] == model.base_path
    [mount] = [each for each in sidecar["volumeMounts"] if each["name"] == "models"]
    assert environment["STAGING"].startswith(mount["mountPath"] + "/")


def test_a_store_is_in_the_place_of_the_claim() -> None:
    assert of_kind("object-store", "PersistentVolumeClaim") == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_text_that_waits_or_runs_can_keep_a_thread(overlay: str) -> None:
    # Each request keeps a thread of gRPC, and may bring a single text. Without a free thread gRPC
    # itself answers RESOURCE_EXHAUSTED, before the queue is full.
    batching = parse_batching(server_config(overlay, "batching.config"))
    batches = batching.max_enqueued_batches.value + batching.num_batch_threads.value
    given = flags(server(overlay)["args"])
    assert int(given["grpc_max_threads"]) > batches * batching.max_batch_size.value
    # "max_batch_size * 2 client threads", says session_bundle_config.proto; further requests over
    # REST wait for a thread.
    assert int(given["rest_api_num_threads"]) >= min(2 * batching.max_batch_size.value, 64)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_connections_have_ended_before_a_pod_does(overlay: str) -> None:
    arguments = flags(server(overlay)["args"])["grpc_channel_arguments"]
    seconds = {
        name: int(value) / 1000
        for name, value in (each.split("=") for each in arguments.split(","))
    }
    # gRPC spreads the age by a tenth.
    longest = 1.1 * seconds["grpc.max_connection_age_ms"]
    longest += seconds["grpc.max_connection_age_grace_ms"]
    assert pod(overlay)["spec"]["terminationGracePeriodSeconds"] > longest


def images() -> list[Any]:
    """All images that are run, with the file or overlay that names them."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    found = [("compose.yaml", each) for each in find(compose, "image")]
    found += [("upload-pod.yaml", each) for each in find(UPLOAD_POD, "image")]
    for overlay in DEPLOYMENTS:
        found += [(overlay, each["image"]) for each in containers(overlay)]
    found += [("kserve", f"tensorflow/serving:{server('kserve')['runtimeVersion']}")]
    return found


def test_every_image_is_pinned() -> None:
    for where, image in images():
        assert re.fullmatch(r"[a-z/]+:[0-9]+\.[0-9]+\.[0-9]+(-gpu)?", image), where


def test_the_server_has_one_version_everywhere() -> None:
    versions = {
        image.split(":")[1].removesuffix("-gpu")
        for _, image in images()
        if image.startswith("tensorflow/serving:")
    }
    assert len(versions) == 1


def test_only_the_overlay_for_gpus_asks_for_one() -> None:
    asking = [name for name in OVERLAYS if "nvidia.com/gpu" in str(containers(name))]
    assert asking == ["gpu"]
    assert server("gpu")["image"].endswith("-gpu")


def assert_restricted(spec: Manifest, all_containers: list[Manifest]) -> None:
    """Kubernetes' Pod Security Standard `restricted`, and more."""
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in all_containers:
        security = {**spec["securityContext"], **container["securityContext"]}
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"].keys() >= {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]
    for volume in spec["volumes"]:
        assert volume.keys() - {"name"} <= {
            "configMap", "emptyDir", "persistentVolumeClaim", "secret",
        }  # fmt: skip


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pods_have_no_more_rights_than_they_need(overlay: str) -> None:
    assert_restricted(pod(overlay)["spec"], containers(overlay))


@pytest.mark.parametrize("spec", [UPLOAD_POD["spec"], ROLLBACK_JOB["spec"]["template"]["spec"]])
def test_what_runs_once_has_no_more_rights_than_it_needs(spec: Manifest) -> None:
    assert_restricted(spec, spec["containers"])


def test_the_rollback_is_a_command_of_nmt_on_the_served_volume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = ROLLBACK_JOB["spec"]["template"]["spec"]
    [container] = spec["containers"]
    words = [word.replace("=/nmt", f"={tmp_path}") for word in container["args"]]
    assert cli.main(words) == 2
    assert f"{tmp_path}/models/debian" in capsys.readouterr().err.replace("\n", "")
    assert "/nmt/models" in [each["mountPath"] for each in container["volumeMounts"]]
    claims = [each["claimName"] for each in find(spec, "persistentVolumeClaim")]
    assert claims == ["nmt-models"]
    # A second attempt would go back one version more.
    assert (ROLLBACK_JOB["spec"]["backoffLimit"], spec["restartPolicy"]) == (0, "Never")


def test_the_policy_and_the_budget_are_for_the_pods_of_kserve() -> None:
    name = the("kserve", "InferenceService")["metadata"]["name"]
    pods = {"serving.kserve.io/inferenceservice": name}
    policy = the("kserve", "NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == pods
    assert the("kserve", "PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == pods
    ports = {each["name"] for each in server("kserve")["ports"]}
    assert {each["port"] for rule in policy["ingress"] for each in rule["ports"]} == ports


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_server_without_a_model_lets_its_node_be_drained(overlay: str) -> None:
    budget = the(overlay, "PodDisruptionBudget")["spec"]
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_prometheus_operator_reads_the_service_and_the_alerts_name_its_job() -> None:
    monitor, rules = sorted(render(SERVING / "monitoring"), key=lambda each: each["kind"])[::-1]
    service = the("cpu", "Service")
    selected = monitor["spec"]["selector"]["matchLabels"].items()
    assert selected <= service["metadata"]["labels"].items()
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
    prometheus = parse_monitoring(server_config("cpu", "monitoring.config")).prometheus_config
    assert endpoint["path"] == prometheus.path
    expressions = list(find(rules, "expr"))
    assert expressions
    # The operator names a job after the Service.
    jobs = {job for each in expressions for job in re.findall(r'job="([^"]*)"', each)}
    assert jobs == {service["metadata"]["name"]}


def test_encryption_ends_in_the_server_and_rest_stays_inside() -> None:
    policy = the("tls", "NetworkPolicy")["spec"]["ingress"]
    open_to_clients = [rule["ports"] for rule in policy if "podSelector" in rule["from"][0]]
    assert open_to_clients == [[{"port": "grpc"}]]


def test_the_canary_serves_two_versions_by_labels() -> None:
    [model] = parse_models(server_config("canary", "models.config")).config
    loaded = list(model.model_version_policy.specific.versions)
    assert [model.version_labels[label] for label in ("stable", "canary")] == loaded


def test_a_server_calls_nobody_unless_it_fetches_its_models() -> None:
    for overlay in DEPLOYMENTS:
        policy = the(overlay, "NetworkPolicy")["spec"]
        assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
        assert bool(policy["egress"]) == (overlay == "object-store")


@pytest.mark.parametrize("overlay", DEPLOYMENTS)
def test_a_change_of_what_is_read_once_replaces_the_pods(overlay: str) -> None:
    names = {name: each["data"] for name, each in of_kind(overlay, "ConfigMap").items()}
    [polled] = [name for name, data in names.items() if "models.config" in data]
    [read_once] = [name for name, data in names.items() if "batching.config" in data]
    assert polled == "nmt-model-config"
    assert re.fullmatch(r"nmt-server-config-[0-9a-z]{10}", read_once)
