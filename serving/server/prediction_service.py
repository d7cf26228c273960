"""`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

gRPC itself answers UNIMPLEMENTED for Classify, Regress and MultiInference: these do not translate.
"""

from typing import Any

import grpc

from serving.protocol import messages
from serving.server.errors import invalid
from serving.server.grpc_calls import deadline_of, unary
from serving.server.loaded_model import LoadedSignature
from serving.server.metrics import Metrics
from serving.server.predictor import Caller, Gate, Predictor
from serving.server.requests import (
    Target,
    check_filter,
    fill_spec,
    read_inputs,
    read_target,
    write_response,
)
from serving.server.slicing import Inputs
from serving.server.versions import Versions

_SIGNATURE_DEF = "signature_def"


def prediction_service(
    predictor: Predictor, gate: Gate, metrics: Metrics
) -> grpc.GenericRpcHandler:
    """Returns the handler of the service."""

    def predict(request: Any, context: grpc.ServicerContext) -> Any:
        with gate.passed():
            target = read_target(request)

            def read(signature: LoadedSignature) -> Inputs:
                # Checked before the model runs: a wrong name must not cost a translation.
                check_filter(request.output_filter, signature)
                return read_inputs(request, signature)

            caller = Caller(deadline_of(context))
            if not context.add_callback(caller.leave):
                caller.leave()
            answer = predictor.predict(target, read, caller)
            names = check_filter(request.output_filter, answer.signature)
            return write_response(target, answer.version, answer.outputs, names)

    def get_model_metadata(request: Any, _: grpc.ServicerContext) -> Any:
        with gate.passed():
            target = read_target(request)
            if not request.metadata_field:
                raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
            for field in request.metadata_field:
                if field != _SIGNATURE_DEF:
                    raise invalid(f"Metadata field {field} is not supported")
            return describe(predictor.versions, target)[0]

    return grpc.method_handlers_generic_handler(
        messages.PREDICTION_SERVICE,
        {
            "Predict": unary(messages.PREDICT, predict, metrics),
            "GetModelMetadata": unary(messages.GET_MODEL_METADATA, get_model_metadata, metrics),
        },
    )


def describe(versions: Versions, target: Target) -> tuple[Any, Any]:
    """Returns a `GetModelMetadataResponse` and the `SignatureDefMap` packed in it.

    Raises:
      RequestError: the version is not available.
    """
    with versions.lease(target) as lease:
        response = messages.GET_MODEL_METADATA.reply()
        fill_spec(response.model_spec, target.name, lease.model.number)
        response.metadata[_SIGNATURE_DEF].Pack(lease.model.definitions)
        return response, lease.model.definitions
