"""Tensors of a file -> networks."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lipdata.errors import LipdataError
from lipmodel.weights.read import put_weights, read_weights


def networks() -> dict[str, nn.Module]:
    return {"one": nn.Linear(2, 3), "two": nn.BatchNorm1d(2)}


def tensors_of(some: dict[str, nn.Module]) -> dict[str, torch.Tensor]:
    return {f"{name}.{key}": value.clone() for name, each in some.items() for key, value in each.state_dict().items()}


def test_weights_and_header_come_back(tmp_path):
    path, source, target = tmp_path / "a.safetensors", networks(), networks()
    save_file(tensors_of(source) | {"other.weight": torch.zeros(1)}, path, {"preset": "tiny"})
    tensors, header = read_weights(path)
    assert header == {"preset": "tiny"}
    put_weights(path, tensors, target)
    wanted, found = tensors_of(source), tensors_of(target)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_a_file_without_a_header_has_an_empty_one(tmp_path):
    save_file({"one.weight": torch.zeros(1)}, tmp_path / "a.safetensors")
    assert read_weights(tmp_path / "a.safetensors")[1] == {}


def test_what_is_not_whole_is_one_line(tmp_path):
    path = tmp_path / "a.safetensors"
    for make in (lambda: None, lambda: path.write_bytes(b"x" * 40), path.mkdir):
        path.unlink(missing_ok=True)
        make()
        with pytest.raises(
            LipdataError, match="a.safetensors cannot be read: .*; remove it, or name another"
        ) as refusal:
            read_weights(path)
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda tensors: tensors.pop("one.bias"), "tensor one.bias is missing or unknown"),
        (lambda tensors: tensors.update({"two.scale": torch.zeros(1)}), "tensor two.scale is missing or unknown"),
        (lambda tensors: tensors.update({"one.bias": torch.zeros(4)}), r"one.bias is \(4,\), the network has \(3,\)"),
    ],
)
def test_weights_of_another_network_are_refused(tmp_path, change, error):
    tensors = tensors_of(networks())
    change(tensors)
    with pytest.raises(LipdataError, match=error) as raised:
        put_weights(tmp_path / "a.safetensors", tensors, networks())
    assert "\n" not in str(raised.value)
