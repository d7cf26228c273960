"""Models that were pushed and are gone from the serving directory, by somebody's hand.

TFX's cache would answer that they are pushed, for ever. It believes in an execution only while the
artifacts that it made exist, so the record of such a push is removed, and the Pusher runs again.
"""

import logging

from ml_metadata.errors import NotFoundError
from ml_metadata.metadata_store import MetadataStore
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

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
        if fileio.exists(push.uri) and not fileio.exists(version):
            LOGGER.info("%s is gone, so its push is forgotten", version)
            fileio.rmtree(push.uri)
