"""The table of the gate's checks: a metric, its bound, and when the check applies.

`eval_config` turns the rows into TFMA thresholds, `evaluation_reader` into the checks of a verdict.
To add a check, add a row here and its bound in `settings`, and a metric if none computes the
number yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.gate.family_of_tests import SHARE_OF_WHOLE
from components.gate.settings import GateBounds
from components.gate.verdict import ADJUSTED_P_VALUE, DROP, GAIN_P_VALUE, Rule, name_of
from trainer.scoring import Metric

JUDGE = "{}"
"""Stands for the metric that judges, `bleu` or `chrf`."""


@dataclass(frozen=True)
class GateCheck:
    """A bound on one metric over all sentences.

    Attributes:
      metric: Name of the metric, with `JUDGE` for the one that judges. `ADJUSTED_P_VALUE` over all
        sentences covers the tests in all slices: only there is it known how many slices count.
      rule: Whether the number must be at least or at most the bound.
      setting: Key of `GateBounds` for the bound, with `JUDGE` as above.
      share: Factor of the setting's value; their product is the bound.
      needs_baseline: Whether the check compares with the live model. A first model passes it.
      is_wanted: Whether the settings enable the check.
    """

    metric: str
    rule: Rule
    setting: str
    share: float = 1.0
    needs_baseline: bool = True
    is_wanted: Callable[[GateBounds], bool] = lambda settings: True

    def name(self, judge: Metric) -> str:
        """Returns the name of the metric."""
        return self.metric.format(judge)

    def bound(self, settings: GateBounds, judge: Metric) -> float | None:
        """Returns the bound under these settings; None if they have none."""
        value = getattr(settings, self.setting.format(judge))
        return None if value is None else float(value) * self.share


CHECKS = (
    GateCheck(JUDGE, "at least", f"min_{JUDGE}", needs_baseline=False),
    GateCheck(name_of(JUDGE, DROP), "at most", f"max_{JUDGE}_drop"),
    GateCheck(name_of(JUDGE, ADJUSTED_P_VALUE), "at least", "significance"),
    GateCheck(
        name_of(JUDGE, GAIN_P_VALUE),
        "at most",
        "significance",
        share=SHARE_OF_WHOLE,
        is_wanted=lambda settings: settings.require_improvement,
    ),
)


def wanted_checks(
    settings: GateBounds, judge: Metric, *, has_baseline: bool = True
) -> Iterator[tuple[GateCheck, float]]:
    """Yields the checks enabled by the settings with their bounds; comparisons only of two."""
    for check in CHECKS:
        bound = check.bound(settings, judge)
        is_wanted = check.is_wanted(settings) and (has_baseline or not check.needs_baseline)
        if bound is not None and is_wanted:
            yield check, bound
