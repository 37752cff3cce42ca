"""Help, and what the commands load."""

import subprocess
import sys

import click
import pytest

from lipmodel.cli import main
from tests.lipmodel.cli.calls import call


def test_help_loads_neither_torch_nor_dlib():
    code = "import sys, lipmodel.cli; print({'torch', 'dlib', 'cv2', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert "lipmodel fit shards" in call("--help").stdout


@pytest.mark.slow
def test_importing_generate_and_fit_does_not_load_dlib():
    code = "import sys, lipmodel.inference, lipmodel.training; print('dlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("command", ["fit", "generate"])
def test_every_option_is_explained(command):
    text = call(command, "--help").stdout
    assert f"lipmodel {command} " in text and "Usage:" in text
    assert all(option.help for option in main.commands[command].params if isinstance(option, click.Option))
