"""Models that were pushed and are gone from the serving directory, by somebody's hand.

TFX's cache would answer that they are pushed, for ever. It believes in an execution only while the
artifacts that it made exist, so the record of such a push is removed, and the Pusher runs again.

Not lost is what the Pusher itself removed, to keep no more versions than it was told, and what was
taken back by a rollback: that is gone on purpose.
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
    """Removes the records of a pipeline's pushes whose version is no longer there.

    Args:
        store: of ML Metadata.
        pipeline_root: where the pipeline's artifacts lie.
    """
    try:
        pushes = store.get_artifacts_by_type(standard_artifacts.PushedModel.TYPE_NAME)
    except NotFoundError:  # nothing was ever pushed in this workspace
        return
    for push in pushes:
        version = push.custom_properties["pushed_destination"].string_value
        if not push.uri.startswith(f"{pipeline_root}/") or not version:
            continue
        if fileio.exists(push.uri) and not fileio.exists(version) and not _is_meant(version):
            LOGGER.info("%s is gone, so its push is forgotten", version)
            fileio.rmtree(push.uri)


def _is_meant(version: str) -> bool:
    """Whether the journal knows why a version is gone."""
    folder, number = os.path.split(version)
    records = read_records(folder, store_for(folder))
    withdrawn = withdrawn_models(records)
    return any(
        _is_gone_on_purpose(each, withdrawn) for each in records if str(each.version) == number
    )


def _is_gone_on_purpose(record: VersionRecord, withdrawn: dict[str, VersionRecord]) -> bool:
    return record.state == "retired" or record.fingerprint in withdrawn
