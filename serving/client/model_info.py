"""The chosen model, its versions on the server, and its signatures."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from serving.client.errors import InvalidReply, InvalidSettings
from serving.contract.signatures import CONTRACTS, N_BEST, SCORE, SERVING_DEFAULT
from serving.protocol.messages import (
    GET_MODEL_METADATA,
    GET_MODEL_STATUS,
    ModelSpec,
    ModelVersionStatus,
    SignatureDefMap,
)
from serving.protocol.tensors import dtype_name
from text.characters import LONE_SURROGATE

_SIGNATURE_FIELD = "signature_def"
_LARGEST_VERSION = (1 << 63) - 1


@dataclass(frozen=True)
class ModelChoice:
    """The model to use: its live version unless another one is chosen.

    Raises:
      InvalidSettings: the name is empty, name or label holds invalid UTF-8, the version is invalid,
        or both version and label are given.
    """

    name: str
    version: int | None = None
    label: str | None = None
    """The label of a version in the server's configuration, such as `stable`."""

    def __post_init__(self) -> None:
        if not self.name:
            raise InvalidSettings("Give the name of the model on the server.")
        for text in (self.name, self.label or ""):
            if LONE_SURROGATE.search(text):
                raise InvalidSettings(
                    f"{text!r} is neither the name of a model nor a label: it is invalid UTF-8."
                )
        if self.version is not None and self.label is not None:
            raise InvalidSettings("Choose a version by its number or by its label, not by both.")
        if self.version is not None and not 0 <= self.version <= _LARGEST_VERSION:
            raise InvalidSettings(
                f"{self.version} is not a version of a model: give its folder name."
            )

    def __str__(self) -> str:
        if self.version is not None:
            return f"version {self.version} of model {self.name!r}"
        if self.label is not None:
            return f"version {self.label!r} of model {self.name!r}"
        return f"model {self.name!r}"

    def spec(self, signature: str = "") -> Any:
        """Returns the choice as a `ModelSpec`."""
        spec = ModelSpec(name=self.name, signature_name=signature)
        if self.version is not None:
            spec.version.value = self.version
        elif self.label is not None:
            spec.version_label = self.label
        return spec


class VersionState(enum.Enum):
    """The state of a version on a server (`get_model_status.proto`)."""

    UNKNOWN = "unknown"
    START = "start"
    """Known, not yet loaded."""
    LOADING = "loading"
    AVAILABLE = "available"
    """It answers requests."""
    UNLOADING = "unloading"
    END = "end"
    """It was unloaded, or could not be loaded."""


@dataclass(frozen=True)
class VersionStatus:
    """A version of a model on a server."""

    version: int
    state: VersionState
    problem: str = ""
    """The server's error message; empty if there is none."""


@dataclass(frozen=True)
class TensorDescription:
    """The declared type and shape of one input or output."""

    dtype: str
    """`string`, NumPy's name, or TensorFlow's name for a type not used here."""
    shape: tuple[int, ...] | None
    """-1 for a variable size; None for an unknown rank."""


@dataclass(frozen=True)
class Signature:
    """The declared inputs and outputs of a signature, by name."""

    inputs: Mapping[str, TensorDescription]
    outputs: Mapping[str, TensorDescription]


@dataclass(frozen=True)
class ModelMetadata:
    """The signatures of a model, as reported by its server."""

    version: int | None
    """The version with these signatures; None if the server does not report it."""
    signatures: Mapping[str, Signature]

    def problems(self) -> list[str]:
        """Compares the signatures needed by a client with the contract.

        Returns:
          One sentence per difference; an empty list if the client can use the model.
        """
        problems = []
        for name in (SERVING_DEFAULT, N_BEST, SCORE):
            if name in self.signatures:
                problems += _differences(name, self.signatures[name])
            else:
                problems.append(f"signature {name!r} is missing")
        return problems


def status_request(model: ModelChoice) -> Any:
    """Returns the request for the status of all versions."""
    return GET_MODEL_STATUS.request(model_spec=ModelSpec(name=model.name))


def read_status(reply: Any) -> list[VersionStatus]:
    """Reads the status of all versions, the highest first."""
    names = ModelVersionStatus.DESCRIPTOR.enum_types_by_name["State"].values_by_number
    statuses = [
        VersionStatus(
            version=each.version,
            state=VersionState[names[each.state].name]
            if each.state in names
            else VersionState.UNKNOWN,
            problem=each.status.error_message,
        )
        for each in reply.model_version_status
    ]
    return sorted(statuses, key=lambda status: status.version, reverse=True)


def metadata_request(model: ModelChoice) -> Any:
    """Returns the request for the signatures."""
    return GET_MODEL_METADATA.request(model_spec=model.spec(), metadata_field=[_SIGNATURE_FIELD])


def read_metadata(reply: Any) -> ModelMetadata:
    """Reads the signatures.

    Raises:
      InvalidReply: the reply holds none.
    """
    signatures = SignatureDefMap()
    try:
        is_unpacked = reply.metadata[_SIGNATURE_FIELD].Unpack(signatures)
    except DecodeError:
        is_unpacked = False
    if not is_unpacked:
        raise InvalidReply(
            "The reply to GetModelMetadata holds no signatures, so it is not from TensorFlow "
            "Serving: check the address."
        )
    spec = reply.model_spec
    return ModelMetadata(
        version=spec.version.value if spec.HasField("version") else None,
        signatures={
            name: Signature(_descriptions(each.inputs), _descriptions(each.outputs))
            for name, each in signatures.signature_def.items()
        },
    )


def _descriptions(tensors: Mapping[str, Any]) -> dict[str, TensorDescription]:
    return {
        name: TensorDescription(
            dtype_name(info.dtype),
            None
            if info.tensor_shape.unknown_rank
            else tuple(dimension.size for dimension in info.tensor_shape.dim),
        )
        for name, info in tensors.items()
    }


def _differences(name: str, signature: Signature) -> list[str]:
    contract = CONTRACTS[name]
    problems = []
    if set(signature.inputs) != set(contract.inputs):
        problems.append(
            f"{name!r} takes the inputs {sorted(signature.inputs)}, not {sorted(contract.inputs)}"
        )
    for side, declared, wanted in (
        ("input", signature.inputs, contract.inputs),
        ("output", signature.outputs, contract.outputs),
    ):
        for key, tensor in wanted.items():
            if key not in declared:
                if side == "output":
                    problems.append(f"{name!r} lacks the output {key!r}")
                continue
            dtype, shape = declared[key].dtype, declared[key].shape
            if dtype != tensor.dtype:
                problems.append(f"{side} {key!r} of {name!r} is {dtype}, not {tensor.dtype}")
            if shape is not None and len(shape) not in tensor.ranks:
                problems.append(
                    f"{side} {key!r} of {name!r} has rank {len(shape)}, not "
                    f"{' or '.join(map(str, tensor.ranks))}"
                )
    return problems
