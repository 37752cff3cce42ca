"""Call lipmodel as a shell does."""

from click.testing import CliRunner, Result

from lipmodel.cli import main

FEW = ["--preset", "tiny", "--batch", 1, "--workers", 0, "--flow-steps", 1, "--autoencoder-steps", 1]


def call(*arguments: object) -> Result:
    """Run ``lipmodel`` with these arguments."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def fails(result: Result, *parts: str) -> None:
    """Require exit status 2, nothing on stdout, and one line on stderr that has all ``parts``."""
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert result.stderr.startswith("lipmodel: ") and result.stderr.count("\n") == 1
    for part in parts:
        assert part in result.stderr
