"""The weights that ship."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from lipdata.errors import LipdataError
from lipmodel.sync import load_sync
from lipmodel.weights.shipped import MODELS, shipped_weights

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("name", MODELS)
def test_weights_are_small_finite_and_need_no_pickle(name):
    path = shipped_weights(name)
    assert path.stat().st_size < 2.5e6
    tensors = load_file(path)
    assert tensors and all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_the_model_card_has_the_numbers_of_the_weights():
    card, foreign = shipped_weights("sync").with_suffix(".md").read_text(), load_sync().own_foreign()
    assert foreign.origin in card and str(foreign.pairs) in card
    assert f"{foreign.mean:.3f}" in card and f"{foreign.deviation:.3f}" in card
    for heading in ("Data", "Licence", "Recipe", "cannot"):
        assert heading.lower() in card.lower(), heading


def test_another_name_is_one_line():
    with pytest.raises(LipdataError, match="no weights 'face' come with lipmodel; allowed: sync"):
        shipped_weights("face")


@pytest.mark.slow
def test_a_wheel_has_weights_and_card(tmp_path):
    source = tmp_path / "source"
    for folder in ("lipdata", "lipmodel", "pipelines"):
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("setup.cfg", "setup.py", "README.md", "LICENSE", "pyproject.toml"):
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation", "."]
    subprocess.run([*command, "-w", str(tmp_path)], cwd=source, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        for name in MODELS:
            assert wheel.read(f"lipmodel/weights/{name}.safetensors") == shipped_weights(name).read_bytes()
            assert (
                wheel.read(f"lipmodel/weights/{name}.md").decode()
                == shipped_weights(name).with_suffix(".md").read_text()
            )
