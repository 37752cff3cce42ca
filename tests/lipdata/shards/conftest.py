import pytest

from lipdata.shards import Clip
from tests.lipdata.shards.made_up import random_clip


@pytest.fixture
def random_clips() -> list[Clip]:
    return [random_clip("a", 20, 1), random_clip("ü", 75, 2), random_clip("c", 16, 3)]
