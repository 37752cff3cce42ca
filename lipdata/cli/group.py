"""What lipdata and lipmodel share on the command line: a mistake of the user's is one line, never a traceback."""

from typing import Any

import click

from lipdata.errors import FirstFailure, LipdataError


class CommandGroup(click.Group):
    """Commands whose mistakes end as one line on stderr and exit status 2; at the first failure asked for, 1."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """As click's, with one line for a wrong option before the command."""
        try:
            return super().make_context(*arguments, **options)
        except click.exceptions.NoArgsIsHelpError:
            raise
        except click.UsageError as error:
            click.echo(f"{self.name}: {error.format_message()} See: {self.name} --help", err=True)
            raise SystemExit(2) from error

    def invoke(self, ctx: click.Context) -> Any:
        """As click's, with one line for every mistake."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            about = error.ctx.command_path if error.ctx else ctx.command_path
            line, status = f"{error.format_message()} See: {about} --help", 2
        except LipdataError as error:
            line, status = str(error), 1 if isinstance(error, FirstFailure) else 2
        except OSError as error:
            line, status = f"{error.filename or ctx.invoked_subcommand}: {error.strerror or error}", 2
        click.echo(f"{ctx.command_path}: {line}", err=True)
        raise SystemExit(status)
