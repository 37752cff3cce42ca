"""A run that diverges stops and keeps its last good checkpoint."""

from dataclasses import replace

import pytest

from lipdata.errors import LipdataError
from lipmodel.config import Adam, Steps
from lipmodel.training.checkpoint import latest_checkpoint
from lipmodel.training.run import train
from tests.lipmodel.run_files import logged, weights


@pytest.mark.parametrize("variant", ["e", "chung"])
def test_a_run_that_diverges_stops_with_step_name_and_the_last_good_checkpoint(run_of, variant):
    folder, run = run_of(variant=variant, ready=True, steps=Steps(2, 2, 3))
    train(folder, run)
    diverging = replace(run, adam=Adam(learning_rate=float("inf")), steps=Steps(2, 2, 20), checkpoint_every=1)
    message = (
        r"step 4: (weights of the generator are no longer finite|loss \w+ is nan); the last good .* is \S+step-3\."
    )
    with pytest.raises(LipdataError, match=message):
        train(folder, diverging)
    assert latest_checkpoint(folder / "checkpoints")[1] == 3
    assert all(tensor.isfinite().all() for tensor in weights(folder, 3).values())
    assert [line["step"] for line in logged(folder)] == [2, 3]


def test_a_loss_that_is_not_finite_is_reported_with_its_own_step(run_of):
    folder, run = run_of(
        ready=True, adam=Adam(learning_rate=float("inf")), log_every=10, checkpoint_every=20, steps=Steps(2, 2, 20)
    )
    with pytest.raises(LipdataError, match=r"step [12]: loss \w+ is nan; there is no checkpoint yet; .*--precision 32"):
        train(folder, run)
