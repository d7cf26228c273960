"""Client of a model server, over TensorFlow Serving's gRPC API and without TensorFlow.

    with TranslationClient("localhost:8500", model="debian") as client:
        [translation] = client.translate(["The cat is on the mat."])
        print(translation.text, translation.attention)

The server is a stock `tensorflow_model_server` or any other server with its API. The names below
are the whole public interface; `AsyncTranslationClient` offers the same calls as coroutines.
"""

from serving.client.async_client import AsyncTranslationClient
from serving.client.connection import Tls
from serving.client.errors import (
    BatchFailed,
    CallCancelled,
    ClientClosed,
    DeadlineExceeded,
    InvalidReply,
    InvalidRequest,
    InvalidSettings,
    ModelNotFound,
    NotAModelServer,
    PermissionDenied,
    ResourceExhausted,
    ServerFailed,
    ServingError,
    Unauthenticated,
    Unavailable,
    UnsuitableModel,
)
from serving.client.model_info import ModelMetadata, VersionState, VersionStatus
from serving.client.retry import RetryPolicy
from serving.client.sync_client import TranslationClient
from serving.contract.source_attention import SourceAttention
from serving.contract.translation import ScoredTranslation, Translation
from text.glossary import Glossary, GlossaryError

__all__ = [
    "AsyncTranslationClient",
    "BatchFailed",
    "CallCancelled",
    "ClientClosed",
    "DeadlineExceeded",
    "Glossary",
    "GlossaryError",
    "InvalidReply",
    "InvalidRequest",
    "InvalidSettings",
    "ModelMetadata",
    "ModelNotFound",
    "NotAModelServer",
    "PermissionDenied",
    "ResourceExhausted",
    "RetryPolicy",
    "ScoredTranslation",
    "ServerFailed",
    "ServingError",
    "SourceAttention",
    "Tls",
    "Translation",
    "TranslationClient",
    "Unauthenticated",
    "Unavailable",
    "UnsuitableModel",
    "VersionState",
    "VersionStatus",
]
