"""The trained network: a clip's unit vectors, and the file that they come from."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from lipdata.errors import LipdataError
from lipmodel.networks.sync_towers import REACH
from lipmodel.sync import network as network_file
from lipmodel.sync.curve import curve_of
from lipmodel.sync.expert import load_expert
from lipmodel.sync.network import FLOW_SHARE, load_sync, network_header, one_thread
from lipmodel.weights import shipped_weights


def test_a_clip_has_a_vector_a_frame_but_for_its_ends(real_clips):
    clip = real_clips[0]
    found = load_sync().embed(clip)
    for vectors in (found.motion, found.sound):
        assert vectors.shape == (len(clip) - 2 * REACH, 96) and vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(load_sync().embed_sound(clip.mel), found.sound)


def test_its_curve_is_three_quarters_that_of_flow(real_clips):
    found = load_sync().embed(real_clips[0])
    flow, lips = (
        curve_of(
            *(half / np.linalg.norm(half, axis=1, keepdims=True) for half in (found.motion[:, at], found.sound[:, at]))
        )
        for at in (slice(0, 48), slice(48, 96))
    )
    wanted = 0.75 * flow.cosines + 0.25 * lips.cosines
    np.testing.assert_allclose(curve_of(found.motion, found.sound).cosines, wanted, atol=1e-6)


def test_a_film_is_taken_in_parts(real_clips, monkeypatch):
    whole = load_sync().embed(real_clips[0]).motion
    monkeypatch.setattr(network_file, "FRAMES_AT_ONCE", 20)
    np.testing.assert_array_equal(load_sync().embed(real_clips[0]).motion, whole)


def test_threads_change_no_bit_and_are_as_before(real_clips):
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(load_sync().embed(real_clips[0]).motion)
            assert torch.get_num_threads() == threads
        with pytest.raises(ZeroDivisionError), one_thread():
            assert torch.get_num_threads() == 1
            _ = 1 / 0
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*found)


def test_it_is_frozen_and_can_be_sent_to_a_process(real_clips):
    network = load_sync()
    assert not any(
        value.requires_grad or pair.training for pair in network.pairs.values() for value in pair.parameters()
    )
    sent = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(sent.embed(real_clips[0]).motion, network.embed(real_clips[0]).motion)


def test_the_expert_is_the_flow_half(real_clips):
    clip, expert = real_clips[0], load_expert()
    flow = torch.from_numpy(clip.flow[None, :-1].astype(np.float32)).movedim(-1, 1)  # B, 2, T - 1, H, W
    with torch.no_grad():
        motion, sound = expert.motion(flow)[0].numpy(), expert.sound(torch.from_numpy(clip.mel.copy())[None])[0].numpy()
    found = load_sync().embed(clip)
    np.testing.assert_allclose(motion, FLOW_SHARE**-0.5 * found.motion[:, :48], atol=1e-5)
    np.testing.assert_allclose(sound, FLOW_SHARE**-0.5 * found.sound[:, :48], atol=1e-5)
    assert expert.scale.item() > 1
    assert load_expert() is not expert, "each run moves its own"


def test_a_file_of_another_network_is_one_line(tmp_path):
    path, tensors = tmp_path / "mine.safetensors", load_file(shipped_weights("sync"))
    header = network_header(load_sync().pipeline, load_sync().own_foreign())
    first = min(tensors)
    for name, some, about, error in (
        ("none", tensors, {}, "is no sync network that ships: 'foreign'; give a run with --run"),
        ("text", tensors, header | {"foreign": "no"}, "is no sync network that ships"),
        ("other", tensors, header | {"foreign": '{"mean": 1}'}, "is no sync network that ships"),
        ("less", {key: value for key, value in tensors.items() if key != first}, header, f"tensor {first} is missing"),
        ("shape", tensors | {first: torch.zeros(3, 3)}, header, "the network has"),
    ):
        path = tmp_path / f"{name}.safetensors"
        save_file(some, path, about)
        with pytest.raises(LipdataError, match=error) as refusal:
            load_sync(path)
        assert "\n" not in str(refusal.value)
    path.write_bytes(b"no weights")
    with pytest.raises(LipdataError, match="cannot be read"):
        load_sync(path)


def test_a_network_without_a_card_says_so():
    with pytest.raises(LipdataError, match="has no model card with foreign pairs; give a folder of ten clips or more"):
        replace(load_sync(), foreign=None).own_foreign()


def test_the_header_is_what_it_was_written_with():
    with safe_open(shipped_weights("sync"), "pt") as file:
        header = file.metadata()
    assert header == network_header(load_sync().pipeline, load_sync().own_foreign())
