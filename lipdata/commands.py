"""What lipdata and lipmodel share on the command line: a mistake of the user's is one line, never a traceback."""

from typing import Any

import click

from lipdata.errors import FirstFailure, LipdataError


class Commands(click.Group):
    """Commands whose mistakes end as one line on stderr and exit status 2; at the first failure asked for, 1."""

    def invoke(self, ctx: click.Context) -> Any:
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
