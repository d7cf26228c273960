"""What every section of the configuration has in common."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A section of the configuration: immutable, and no key but its own is accepted."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
