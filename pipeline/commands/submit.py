"""`nmt submit`: starts a run, or a schedule of runs, of a compiled pipeline on a cluster.

A thin layer over Kubeflow's own client. It checks the file and the parameters before it sends
anything, uploads a new version of the pipeline under its name, and follows the run.
"""

import json
import os
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import typer
import yaml

from pipeline.commands.options import JsonOption
from pipeline.errors import UserError
from pipeline.kubeflow import linter, minimum_version
from pipeline.kubeflow.runtime_parameters import checked
from text.visible import visible, visible_json

_TOKEN = "KFP_TOKEN"
_POLL_SECONDS = 10.0
_NUMBERS = {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float}


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file written by `nmt compile`.")],
    host: Annotated[
        str | None,
        typer.Option(
            metavar="URL", envvar="KF_PIPELINES_ENDPOINT", help="Address of Kubeflow Pipelines."
        ),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="NAME=VALUE", help="A parameter of the run; repeatable."),
    ] = None,
    experiment: Annotated[
        str | None,
        typer.Option(help="The experiment of the run; by default, the pipeline's name."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Your namespace, on a cluster with several users.")
    ] = None,
    service_account: Annotated[
        str | None, typer.Option(help="The Kubernetes service account of the tasks.")
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="CRON", help='Start runs on a schedule, such as "0 0 3 * * *" (six fields).'
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow/--no-follow", help="Show the run's tasks until it ends.")
    ] = True,
    poll_seconds: Annotated[
        float, typer.Option(min=0.01, help="Seconds between two queries of the run's state.")
    ] = _POLL_SECONDS,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and show the run; send nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a compiled pipeline on Kubeflow Pipelines, once or on a schedule."""
    documents = _read(file)
    specification = documents[0]
    name = str(specification["pipelineInfo"]["name"])
    chosen = _chosen(specification, parameters or [])
    version = f"{name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    plan: dict[str, Any] = {
        "file": file,
        "pipeline": name,
        "version": version,
        "experiment": experiment or name,
        "schedule": schedule,
        # No backend reads the specification's field: only the request's counts.
        "pipeline_root": specification.get("defaultPipelineRoot"),
        "parameters": {**_defaults(specification), **chosen},
    }
    if schedule is not None and len(schedule.split()) != 6:
        raise UserError(f"--schedule {schedule!r} must have six fields, seconds first.")
    if dry_run:
        _show(plan, as_json, "Nothing was sent. It would be:")
        return
    if host is None:
        raise UserError("No address of Kubeflow Pipelines was given: give --host, or --dry-run.")

    # Imported late: Kubeflow's client takes a while, and a wrong file shall fail at once.
    from pipeline.kubeflow.client import KubeflowPipelines

    cluster = KubeflowPipelines(host, namespace, os.environ.get(_TOKEN))
    if too_old := minimum_version.problems(cluster.version(), documents):
        raise UserError("\n".join(too_old))
    pipeline_id, version_id = cluster.upload(file, name, version)
    experiment_id = cluster.experiment(plan["experiment"])
    target = {
        "experiment_id": experiment_id,
        "pipeline_id": pipeline_id,
        "version_id": version_id,
        "params": chosen,
        "pipeline_root": plan["pipeline_root"],
        "service_account": service_account,
    }
    if schedule is not None:
        plan["recurring_run"] = cluster.start_schedule(version, schedule, **target)
        _show(plan, as_json, f"{name}: a run will start at {schedule}.")
        return
    plan["run"] = cluster.start(version, **target)
    plan["page"] = cluster.page(plan["run"])
    if not as_json:
        typer.echo(f"{name}: started, see {plan['page']}")
    if follow:
        plan["state"] = cluster.follow(plan["run"], poll_seconds, _say_to_stderr)
    if as_json:
        _show(plan, as_json, "")
    if plan.get("state", "SUCCEEDED") != "SUCCEEDED":
        raise typer.Exit(1)


def _read(file: str) -> list[dict[str, Any]]:
    """Reads the documents of the file; the first is the pipeline's specification."""
    try:
        with open(file, encoding="utf-8") as stream:
            documents = list(yaml.safe_load_all(stream))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = getattr(error, "strerror", None) or "it is not YAML"
        raise UserError(f"{file!r} cannot be read ({reason}): nmt compile writes one.") from error
    if not documents or not isinstance(documents[0], dict) or "root" not in documents[0]:
        raise UserError(f"{file!r} holds no pipeline: nmt compile writes one.")
    found = linter.problems(documents[0])
    if found:
        raise UserError("\n".join(f"{file}: {sentence}" for sentence in found))
    return documents


def _declared(specification: dict[str, Any]) -> dict[str, Any]:
    inputs = specification["root"].get("inputDefinitions", {})
    return cast(dict[str, Any], inputs.get("parameters", {}))


def _defaults(specification: dict[str, Any]) -> dict[str, Any]:
    return {
        name: parameter["defaultValue"]
        for name, parameter in _declared(specification).items()
        if "defaultValue" in parameter
    }


def _chosen(specification: dict[str, Any], given: list[str]) -> dict[str, Any]:
    """Returns the given parameters, in the types declared by the pipeline."""
    declared, chosen = _declared(specification), {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator or name not in declared:
            known = ", ".join(declared)
            raise UserError(f"--param {text}: give NAME=VALUE, with one of the names {known}.")
        convert = _NUMBERS.get(declared[name]["parameterType"], str)
        try:
            chosen[name] = checked(name, convert(value))
        except ValueError as error:
            kind = "a whole number" if convert is int else "a number"
            raise UserError(f"--param {text}: {name} must be {kind}.") from error
    return chosen


def _show(plan: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        typer.echo(visible_json(json.dumps(plan, indent=2, ensure_ascii=False)))
        return
    typer.echo(sentence)
    for key, value in plan.items():
        if isinstance(value, dict):
            typer.echo(f"  {key}")
            for name, entry in value.items():
                typer.echo(visible(f"    {name} = {entry}"))
        elif value is not None:
            typer.echo(visible(f"  {key:<14} {value}"))


def _say_to_stderr(sentence: str) -> None:
    typer.echo(visible(sentence), err=True)
