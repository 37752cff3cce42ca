"""Checkpoints: save, load, keep, and refuse damaged or foreign ones."""

import math

import pytest
import torch
from torch import nn
from torch.optim import Adam

from lipdata.errors import LipdataError
from lipmodel.training.checkpoint import (
    best_checkpoint,
    latest_checkpoint,
    load_optimizers,
    load_weights,
    save_checkpoint,
)


@pytest.fixture
def trained():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))
    optimizer = Adam(network.parameters(), 1e-2, betas=(0.5, 0.999))
    for _ in range(3):
        one_step(network, optimizer)
    return {"generator": network}, {"generator": optimizer}


def one_step(network, optimizer):
    optimizer.zero_grad()
    network(torch.ones(2, 3, 8, 8)).square().sum().backward()
    optimizer.step()


def fresh():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))
    return {"generator": network}, {"generator": Adam(network.parameters(), 1e-2, betas=(0.5, 0.999))}


def test_what_was_saved_goes_on_alike(trained, tmp_path):
    path = save_checkpoint(tmp_path, 3, "tiny", *trained)
    again = fresh()
    load_weights(path, "tiny", again[0])
    load_optimizers(path, "tiny", *again)
    for networks, optimizers in (trained, again):
        one_step(networks["generator"], optimizers["generator"])
    for one, other in zip(
        trained[0]["generator"].state_dict().values(), again[0]["generator"].state_dict().values(), strict=True
    ):
        assert torch.equal(one, other)


def test_the_newest_three_are_kept_and_the_newest_is_found(trained, tmp_path):
    assert latest_checkpoint(tmp_path) is None
    for step in (5, 10, 90, 100):
        save_checkpoint(tmp_path, step, "tiny", *trained)
    assert latest_checkpoint(tmp_path) == (tmp_path / "step-100.safetensors", 100)
    assert len(list(tmp_path.iterdir())) == 6 and not list(tmp_path.glob("step-5*"))


@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_a_checkpoint_cut_short_is_refused(trained, tmp_path, kept):
    path = save_checkpoint(tmp_path, 3, "tiny", *trained)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(LipdataError, match=r"step-3.safetensors cannot be read") as refusal:
        load_weights(path, "tiny", fresh()[0])
    assert "\n" not in str(refusal.value)


def test_a_checkpoint_of_another_preset_is_refused(trained, tmp_path):
    path = save_checkpoint(tmp_path, 3, "small", *trained)
    with pytest.raises(LipdataError, match="is of preset small, its run's config.json says tiny"):
        load_weights(path, "tiny", fresh()[0])


def test_other_shapes_and_names_are_refused(trained, tmp_path):
    path = save_checkpoint(tmp_path, 3, "tiny", *trained)
    wider = {"generator": nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Conv2d(5, 2, 3))}
    with pytest.raises(LipdataError, match=r"generator.0.weight is \(4, 3, 3, 3\), the network has \(5, 3, 3, 3\)"):
        load_weights(path, "tiny", wider)
    with pytest.raises(LipdataError, match=r"tensor generator.1.bias is missing or unknown"):
        load_weights(path, "tiny", {"generator": nn.Sequential(nn.Conv2d(3, 4, 3))})


def test_a_missing_optimizer_file_is_reported(trained, tmp_path):
    path = save_checkpoint(tmp_path, 3, "tiny", *trained)
    (tmp_path / "step-3.optimizer.safetensors").unlink()
    with pytest.raises(LipdataError, match=r"step-3.optimizer.safetensors cannot be read"):
        load_optimizers(path, "tiny", *trained)


def test_the_best_checkpoint_is_kept_beside_the_newest_three(trained, tmp_path):
    for step, loss in enumerate((0.5, 0.2, 0.4, math.nan, 0.2, 0.3, 0.6), start=1):
        save_checkpoint(tmp_path, step, "tiny", *trained, validation=loss)
    kept = sorted(path.name for path in tmp_path.glob("step-?.safetensors"))
    assert kept == ["step-5.safetensors", "step-6.safetensors", "step-7.safetensors"]  # of equal losses, the newer
    save_checkpoint(tmp_path, 8, "tiny", *trained, validation=0.9)
    save_checkpoint(tmp_path, 9, "tiny", *trained)
    assert best_checkpoint(tmp_path) == (tmp_path / "step-5.safetensors", 5)
    assert (tmp_path / "best.safetensors").resolve() == tmp_path / "step-5.safetensors"
