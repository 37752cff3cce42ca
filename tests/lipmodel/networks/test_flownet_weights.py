"""Published FlowNet weights: files of the port, of safetensors, hostile and damaged files."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from lipdata.errors import LipdataError
from lipmodel.config import PRESETS
from lipmodel.networks.flownet import FlowNet, load_port_weights

TINY = PRESETS["tiny"].network


@pytest.fixture
def flownet() -> FlowNet:
    torch.manual_seed(0)
    return FlowNet(TINY)


def save(path: Path, table: object) -> Path:
    torch.save(table, path)
    return path


@pytest.mark.parametrize("zipped", [True, False])
def test_weights_of_a_checkpoint_of_the_port(tmp_path, flownet, zipped):
    other = FlowNet(TINY)
    states = {f"module.{name}": tensor for name, tensor in other.state_dict().items()}
    checkpoint = {"epoch": 300, "arch": "flownets", "state_dict": states, "best_EPE": 1.951, "div_flow": 20}
    torch.save(checkpoint, tmp_path / "flownets.pth.tar", _use_new_zipfile_serialization=zipped)
    load_port_weights(flownet, tmp_path / "flownets.pth.tar")
    pairs = torch.rand(1, 6, 64, 64)
    assert torch.equal(flownet(pairs)[0], other(pairs)[0])


def test_weights_of_a_state_dict_and_of_safetensors(tmp_path):
    states = {name: torch.rand(tensor.shape) for name, tensor in FlowNet(TINY).state_dict().items()}
    save_file(states, tmp_path / "flownets.safetensors")
    for path in (save(tmp_path / "flownets.pt", states), tmp_path / "flownets.safetensors"):
        flownet = FlowNet(TINY)
        load_port_weights(flownet, path)
        assert all(torch.equal(tensor, states[name]) for name, tensor in flownet.state_dict().items())


class _Hostile:
    """Unpickling one makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_file_is_not_run(tmp_path, flownet):
    trace = tmp_path / "ran"
    path = save(tmp_path / "hostile.pth", {"state_dict": _Hostile(trace)})
    torch.load(path, weights_only=False)
    assert trace.exists()
    trace.unlink()
    with pytest.raises(LipdataError, match="needs pickled code, which is never run"):
        load_port_weights(flownet, path)
    assert not trace.exists()


def _without_one(states):
    return {name: tensor for name, tensor in states.items() if name != "conv2.0.bias"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without_one, "'conv2.0.bias' is missing or unknown"),
        (lambda states: states | {"conv1.1.weight": torch.zeros(8)}, "'conv1.1.weight' is missing or unknown"),
        (lambda states: states | {"conv2.0.bias": torch.zeros(128)}, r"is \(128,\), .* \(16,\); .* --preset paper"),
        (lambda states: {"state_dict": states, "div_flow": 1}, "in units of 1 pixels; only units of 20"),
        (lambda states: {"state_dict": [states]}, "holds no weights by name"),
        (lambda states: {}, "holds no weights by name"),
    ],
)
def test_weights_that_do_not_fit_change_nothing(tmp_path, flownet, change, message):
    before = {name: tensor.clone() for name, tensor in flownet.state_dict().items()}
    path = save(tmp_path / "other.pth", change(FlowNet(TINY).state_dict()))
    with pytest.raises(LipdataError, match=message):
        load_port_weights(flownet, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in flownet.state_dict().items())


@pytest.mark.parametrize("name", ["half.pth", "half.safetensors", "none.pth", "none.safetensors", "text.pth"])
def test_files_that_cannot_be_read(tmp_path, flownet, name):
    path = tmp_path / name
    if path.stem == "half":
        states = flownet.state_dict()
        save(path, states) if path.suffix == ".pth" else save_file({k: v.contiguous() for k, v in states.items()}, path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif path.stem == "text":
        path.write_text("<html>404</html>")
    with pytest.raises(LipdataError, match=f"{name} cannot be read: [^\n]*$"):
        load_port_weights(flownet, path)
