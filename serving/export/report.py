"""The report of an export's check, as a value and as JSON."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Problem:
    """One reason not to serve a model."""

    request: str
    """The step: a request with its signature, or `load`, `operations`, `signatures`, `process`."""
    problem: str

    def __str__(self) -> str:
        return f"{self.request}: {self.problem}"


@dataclass(frozen=True)
class RequestRecord:
    """A request answered in time."""

    name: str
    signature: str
    texts: int
    seconds: float


@dataclass(frozen=True)
class ExportReport:
    """The result of a check; the model may be served only if `passed`."""

    model: str
    problems: tuple[Problem, ...]
    requests: tuple[RequestRecord, ...] = ()
    load_seconds: float | None = None
    tensorflow_version: str | None = None
    max_seconds_per_request: float | None = None

    @property
    def passed(self) -> bool:
        """Whether requests were answered and no problem was found."""
        return not self.problems and bool(self.requests)

    def to_json(self) -> str:
        """Returns the report as one indented JSON object."""
        return json.dumps({"passed": self.passed, **asdict(self)}, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str) -> "ExportReport":
        """Reads a report written by `to_json`.

        Raises:
          ValueError: the text is not a report, or contradicts itself.
        """
        try:
            fields = json.loads(text)
            passed = fields.pop("passed")
            fields["problems"] = tuple(Problem(**problem) for problem in fields["problems"])
            fields["requests"] = tuple(RequestRecord(**request) for request in fields["requests"])
            report = cls(**fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"This is not a report of an export's check: {text[:200]!r}"
            ) from error
        if report.passed is not passed:
            raise ValueError("The report's verdict contradicts its problems and requests.")
        return report


def failed_report(model: str, request: str, problem: str) -> ExportReport:
    """Returns the report of a check ended by a problem."""
    return ExportReport(model, (Problem(request, problem),))
