from pathlib import Path

import pytest

from lipdata.samples.synthetic_corpus import SPEAKERS, clip_name, sentence


@pytest.fixture(scope="session")
def synthetic(sample: Path) -> list[Path]:
    """The first clip of each speaker of the synthetic corpus."""
    return [sample / speaker.name / f"{clip_name(sentence(index))}.mpg" for index, speaker in enumerate(SPEAKERS)]
