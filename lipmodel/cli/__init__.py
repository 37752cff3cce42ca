"""The command line: parse, call, print. One file a group of commands; what they do is in the Python API."""

from lipmodel.cli.commands import main

__all__ = [
    "main",
]
