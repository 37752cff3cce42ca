"""The command line: parse, call, print. One file a group of commands; what they do is in the Python API.

``CommandGroup`` turns every mistake of a user's into one line and an exit status.
"""

from lipdata.cli.commands import main
from lipdata.cli.group import CommandGroup

__all__ = ["CommandGroup", "main"]
