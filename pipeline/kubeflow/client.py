"""What `nmt submit` asks of Kubeflow Pipelines, through Kubeflow's own client."""

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

_ENDED = {"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED", "ERROR"}


class KubeflowPipelines:
    """One installation of Kubeflow Pipelines.

    Args:
      host: its URL.
      namespace: of the user, where there are several.
      token: a bearer token, where the installation asks for one.

    Raises:
      RunFailedError: from every method: the installation does not answer, or refuses.
    """

    def __init__(self, host: str, namespace: str | None, token: str | None) -> None:
        self._host = host.rstrip("/")
        self._namespace = namespace
        with self._sentences(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._client = Client(
                host=self._host, namespace=namespace or "kubeflow", existing_token=token
            )

    def upload(self, file: str, name: str, version: str) -> tuple[str, str]:
        """Uploads a version of a pipeline, the first one too; returns the ids of both."""
        with self._sentences():
            pipeline_id = self._client.get_pipeline_id(name)
            if pipeline_id is None:
                uploaded = self._client.upload_pipeline(file, name, namespace=self._namespace)
                pipeline_id = uploaded.pipeline_id
                versions = self._client.list_pipeline_versions(pipeline_id, page_size=1)
                return pipeline_id, versions.pipeline_versions[0].pipeline_version_id
            found = self._client.upload_pipeline_version(file, version, pipeline_id=pipeline_id)
            return pipeline_id, found.pipeline_version_id

    def experiment(self, name: str) -> str:
        """Returns the id of an experiment, which is made if it is not there."""
        with self._sentences():
            made = self._client.create_experiment(name, namespace=self._namespace)
            return str(made.experiment_id)

    def start(self, name: str, **target: Any) -> str:
        """Starts a run and returns its id."""
        with self._sentences():
            return str(self._client.run_pipeline(job_name=name, **target).run_id)

    def start_schedule(self, name: str, schedule: str, **target: Any) -> str:
        """Starts runs at the times of a cron expression of six fields; returns the schedule's id.

        A run that is due while another one goes on waits for it, and none that was missed is made
        up for.
        """
        with self._sentences():
            made = self._client.create_recurring_run(
                job_name=name,
                cron_expression=schedule,
                max_concurrency=1,
                no_catchup=True,
                **target,
            )
            return str(made.recurring_run_id)

    def page(self, run: str) -> str:
        """The address of a run's page."""
        return f"{self._host}/#/runs/details/{run}"

    def follow(self, run: str, seconds: float, say: Callable[[str], None]) -> str:
        """Tells of each task that changes, until the run ends.

        Args:
          run: the run's id.
          seconds: how long to wait between two questions.
          say: takes one sentence.

        Returns:
          The state that the run ended in, SUCCEEDED or another.
        """
        seen: dict[str, str] = {}
        while True:
            with self._sentences():
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

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """Makes a sentence of what the client raises, and keeps what it prints and logs from the
        screen."""
        logging.disable()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except kfp_server_api.ApiException as error:
            reason = _message(error)
            raise RunFailedError(f"{self._host} refused ({error.status}): {reason}.") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise RunFailedError(
                f"{self._host} does not answer: check the address, and that a port is forwarded "
                "to it, as in kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80."
            ) from error
        finally:
            logging.disable(logging.NOTSET)


def _message(error: kfp_server_api.ApiException) -> str:
    """The first line of what the server says is wrong."""
    text = str(error.body or error.reason or "no reason given")
    with contextlib.suppress(ValueError):
        text = str(json.loads(text).get("error", text))
    return text.strip().splitlines()[0].rstrip(".")
