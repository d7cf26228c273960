"""A command whose module is imported only when it is called: `nmt --help` stays instant."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand


class LazyCommand(TyperCommand):
    """Stands for a command in its group's help, and becomes the real one when it is called.

    Args:
        name: what the user types.
        target: `package.module:attribute`, which is a `typer.Typer` with commands of its own, or a
            function that is one command.
        help: the line of the group's help.
    """

    def __init__(self, name: str, target: str, help: str) -> None:
        super().__init__(name, help=help)
        self._target = target
        self._help = help

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Parses the arguments with the real command, which the context then carries."""
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
