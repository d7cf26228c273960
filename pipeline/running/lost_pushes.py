"""Handles pushed models deleted from the serving directory by hand.

For TFX's cache, such a model would stay pushed for ever. The cache uses an execution only while the
artifacts of the execution exist. So the artifact of such a push is removed, and the Pusher runs
again.

A version is not lost if the Pusher itself removed it, to keep only the configured number of
versions, or if a rollback withdrew its model: these versions are gone on purpose.
"""

import logging
import os

from ml_metadata.errors import NotFoundError
from ml_metadata.metadata_store import MetadataStore
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from components.tfx_store import store_for
from serving.versions.records import VersionRecord, read_records, withdrawn_models

LOGGER = logging.getLogger(__name__)


def forget_lost_pushes(store: MetadataStore, pipeline_root: str) -> None:
    """Removes the push artifacts of a pipeline if their versions no longer exist.

    Args:
        store: the store of ML Metadata.
        pipeline_root: the folder of the pipeline's artifacts.
    """
    try:
        pushes = store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME)
    except NotFoundError:  # no model was ever pushed in this workspace
        return
    for push in pushes:
        version = push.custom_properties["pushed_destination"].string_value
        if not push.uri.startswith(f"{pipeline_root}/") or not version:
            continue
        if fileio.exists(push.uri) and not fileio.exists(version) and not _is_explained(version):
            LOGGER.info("%s is gone, so its push is forgotten", version)
            fileio.rmtree(push.uri)


def _is_explained(version: str) -> bool:
    """Whether the journal gives a reason for the removal of a version."""
    folder, number = os.path.split(version)
    records = read_records(folder, store_for(folder))
    withdrawn = withdrawn_models(records)
    return any(
        _is_gone_on_purpose(each, withdrawn) for each in records if str(each.version) == number
    )


def _is_gone_on_purpose(record: VersionRecord, withdrawn: dict[str, VersionRecord]) -> bool:
    return record.state == "retired" or record.fingerprint in withdrawn
