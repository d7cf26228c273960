"""The requests of `nmt submit` to Kubeflow Pipelines, through Kubeflow's own client."""

import contextlib
import io
import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import kfp_server_api
import urllib3
from kfp import Client

from pipeline.errors import RunFailedError

_REFUSED_LOGINS = {401, 403}
_SECONDS_TO_ANSWER = 30.0
_ENDED = {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "ERROR"}


class KubeflowPipelines:
    """One installation of Kubeflow Pipelines.

    Args:
      host: its URL.
      namespace: the user's namespace, if there are several users.
      token: a bearer token, if the installation requires one.

    Raises:
      RunFailedError: from every method, if the installation does not answer or rejects the request.
    """

    def __init__(self, host: str, namespace: str | None, token: str | None) -> None:
        self._host = host.rstrip("/")
        self._shown = _without_password(self._host)
        self._namespace = namespace
        self._check_login(token)
        with self._readable_errors(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client = Client(
                host=self._host, namespace=namespace or "kubeflow", existing_token=token
            )

    def version(self) -> str:
        """Returns the server's release, such as 2.17.0; empty if it names none."""
        with self._readable_errors(), contextlib.suppress(kfp_server_api.ApiException, ValueError):
            # The client's own model of the answer lacks the release.
            answer = self._client._healthz_api.healthz_service_get_healthz(_preload_content=False)
            health = json.loads(answer.data)
            # The server of the pages and the server of the API give it different names.
            return str(health.get("apiServerTagName") or health.get("tag_name") or "")
        return ""

    def upload(self, file: str, name: str, version: str) -> tuple[str, str]:
        """Uploads a version of a pipeline, or a new pipeline; returns the ids of both."""
        with self._readable_errors():
            pipeline_id = self._pipeline(name)
            if pipeline_id is None:
                uploaded = self._client.upload_pipeline(file, name, namespace=self._namespace)
                pipeline_id = uploaded.pipeline_id
                versions = self._client.list_pipeline_versions(pipeline_id, page_size=1)
                return pipeline_id, versions.pipeline_versions[0].pipeline_version_id
            found = self._client.upload_pipeline_version(file, version, pipeline_id=pipeline_id)
            return pipeline_id, found.pipeline_version_id

    def experiment(self, name: str) -> str:
        """Returns the id of an experiment, and creates it if it does not exist."""
        with self._readable_errors():
            made = self._client.create_experiment(name, namespace=self._namespace)
            return str(made.experiment_id)

    def start(self, name: str, **target: Any) -> str:
        """Starts a run and returns its id."""
        with self._readable_errors():
            return str(self._client.run_pipeline(job_name=name, **target).run_id)

    def start_schedule(self, name: str, schedule: str, **target: Any) -> str:
        """Starts runs at the times of a cron expression of six fields; returns the schedule's id.

        A run due while another one is running waits for it. Missed runs are not repeated later.
        """
        with self._readable_errors():
            made = self._client.create_recurring_run(
                job_name=name,
                cron_expression=schedule,
                max_concurrency=1,
                no_catchup=True,
                **target,
            )
            return str(made.recurring_run_id)

    def page(self, run: str) -> str:
        """Returns the address of a run's page."""
        return f"{self._shown}/#/runs/details/{run}"

    def follow(self, run: str, seconds: float, say: Callable[[str], None]) -> str:
        """Reports each change of a task's state, until the run ends.

        Args:
          run: the run's id.
          seconds: pause between two queries.
          say: called with each sentence.

        Returns:
          The final state of the run, SUCCEEDED or another.
        """
        seen: dict[str, str] = {}
        while True:
            with self._readable_errors():
                answer = self._client.get_run(run)
            details = answer.run_details.task_details if answer.run_details else None
            for task in details or []:
                if task.state and seen.get(task.display_name) != task.state:
                    seen[task.display_name] = task.state
                    say(f"  {task.display_name:<24} {task.state.lower()}")
            if answer.state in _ENDED:
                reason = f": {answer.error.message}" if answer.error else ""
                say(f"{answer.display_name}: {answer.state.lower()}{reason}")
                return str(answer.state)
            time.sleep(seconds)

    def _pipeline(self, name: str) -> str | None:
        """Returns the id of a pipeline in the user's namespace; None if there is none."""
        # The client's `get_pipeline_id` passes no namespace, so it misses a user's own pipelines.
        wanted = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
        found = self._client.list_pipelines(
            namespace=self._namespace, filter=json.dumps({"predicates": [wanted]})
        )
        return found.pipelines[0].pipeline_id if found.pipelines else None

    def _check_login(self, token: str | None) -> None:
        """Asks once. The client repeats a refused login for 25 s, and then says it timed out."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with self._readable_errors():
            status = urllib3.request(
                "GET",
                f"{self._host}/apis/v2beta1/healthz",
                headers=headers,
                timeout=_SECONDS_TO_ANSWER,
                retries=False,
            ).status
        if status in _REFUSED_LOGINS:
            raise RunFailedError(
                f"{self._shown} refused the login ({status}): set KFP_TOKEN to a valid token."
            )

    @contextlib.contextmanager
    def _readable_errors(self) -> Iterator[None]:
        """Turns the client's exceptions into RunFailedError, and hides its output and logs."""
        logging.disable()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            reason = _message(error)
            raise RunFailedError(
                f"{self._shown} rejected the request ({error.status}): {reason}."
            ) from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise RunFailedError(
                f"{self._shown} does not answer: check the address, and that a port is forwarded "
                "to it, as in kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80."
            ) from error
        finally:
            logging.disable(logging.NOTSET)


def _without_password(url: str) -> str:
    """Returns a URL as it may be shown: without the user and password that it may hold."""
    start, separator, rest = url.rpartition("@")
    scheme = start.partition("//")[0] + "//" if "//" in start else ""
    return f"{scheme}{rest}" if separator else url


def _message(error: kfp_server_api.ApiException) -> str:
    """Returns the first line of the server's error message."""
    text = str(error.body or error.reason or "no reason given")
    with contextlib.suppress(ValueError):
        text = str(json.loads(text).get("error", text))
    return text.strip().splitlines()[0].rstrip(".")
