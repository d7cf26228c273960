"""A command whose module is imported only when it is called, to keep `nmt --help` fast."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """A placeholder in the help of a group, replaced by the real command when called.

    Args:
        name: the name of the command.
        target: `package.module:attribute`, a `typer.Typer` with commands, or a function as a single
            command.
        help: the line in the group's help.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self._target = target
        self._help = help

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parses the arguments with the real command and returns its context."""
        return self.load().make_context(info_name, args, parent, **extra)

    def load(self) -> Any:
        """Imports the module and returns the real command."""
        module, _, attribute = self._target.partition(":")
        target = getattr(import_module(module), attribute)
        if isinstance(target, typer.Typer):
            group = typer.main.get_group(target)
            group.name, group.help = self.name, group.help or self._help
            return group
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(self.name)(target)
        return typer.main.get_command(single)
