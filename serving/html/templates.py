"""Renders HTML pages without external resources or scripts, with every value escaped.

`layout.html` holds the Content-Security-Policy and `style.css`, `tables.html` the tables. Each
package keeps the templates of its pages beside its modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from text.direction import direction_of, isolate_words


def render(
    package: str, template: str, *, filters: Sequence[Callable[..., Any]] = (), **values: Any
) -> str:
    """Renders a template.

    Args:
      package: dotted name of the template's package.
      template: its file name.
      filters: functions for the template, used by their names; those of `text.direction` are always
        there.
      values: values for the template.

    Returns:
      A complete HTML document with a final newline; it declares UTF-8.
    """
    # Imported only here: most commands write no page.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, ""), PackageLoader(__package__, "")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        {function.__name__: function for function in (direction_of, isolate_words, *filters)}
    )
    return environment.get_template(template).render(values)
