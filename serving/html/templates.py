"""Renders pages that load nothing and run nothing, with every value escaped.

`layout.html` holds the page's policy and `style.css`, `tables.html` the tables. A package that
writes pages keeps its own templates beside its modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def render(
    package: str, template: str, *, filters: Sequence[Callable[..., Any]] = (), **values: Any
) -> str:
    """Renders a template.

    Args:
      package: dotted name of the package in which the template lies.
      template: its file name.
      filters: functions that the template may use, by their names.
      values: what the template shows.

    Returns:
      HTML, whole, ending with a newline; UTF-8 is declared.
    """
    # Only now: commands that write no page do without.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(__package__, "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({function.__name__: function for function in filters})
    return environment.get_template(template).render(values)
