"""The checks of the gate, each stated once: which number is held against which bound, and when.

`eval_config` makes TFMA's thresholds of them, `evaluation_reader` the checks of a verdict. A new
check is a row here, its bound in `settings`, and its metric where no metric has the number yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from components.gate.family_of_tests import SHARE_OF_WHOLE
from components.gate.settings import GateBounds
from components.gate.verdict import ADJUSTED_P_VALUE, BLEU, DROP, GAIN_P_VALUE, Rule


@dataclass(frozen=True)
class GateCheck:
    """A bound on one metric over all sentences.

    Attributes:
      metric: Name of the number. `ADJUSTED_P_VALUE` over all speaks for the tests in all slices,
        since only there it is known how many of them count.
      rule: Whether the number must be at least or at most the bound.
      setting: The key of `GateBounds` that holds the bound.
      share: Of the setting's value, which is the bound.
      needs_baseline: Whether it compares with the live model, so that a first model passes.
      is_wanted: Whether the settings ask for it.
    """

    metric: str
    rule: Rule
    setting: str
    share: float = 1.0
    needs_baseline: bool = True
    is_wanted: Callable[[GateBounds], bool] = lambda settings: True

    def bound(self, settings: GateBounds) -> float:
        """What the number is held against."""
        return float(getattr(settings, self.setting)) * self.share


CHECKS = (
    GateCheck(BLEU, "at least", "min_bleu", needs_baseline=False),
    GateCheck(DROP, "at most", "max_bleu_drop"),
    GateCheck(ADJUSTED_P_VALUE, "at least", "significance"),
    GateCheck(
        GAIN_P_VALUE,
        "at most",
        "significance",
        share=SHARE_OF_WHOLE,
        is_wanted=lambda settings: settings.require_improvement,
    ),
)


def wanted_checks(settings: GateBounds, *, has_baseline: bool = True) -> Iterator[GateCheck]:
    """The checks that the settings ask for and that can be made with or without a live model."""
    for check in CHECKS:
        if check.is_wanted(settings) and (has_baseline or not check.needs_baseline):
            yield check
