"""Damage to a clip: what the decoder complained of, and how much of its pictures is guessed."""

import re
from collections.abc import Iterator

import numpy as np

# Not all that ffmpeg warns of: it also warns of sound clips whose colours or channels have an old name.
COMPLAINT = re.compile(
    r"damaged|conceal|error|corrupt|invalid|missing|prematurely|mismatch|overread|out of range|\bbad\b", re.I
)
BLOCK_PX = 16
SAME_S = 1e-3
# After ffmpeg has looked what the file holds: there it decodes, and complains, a first time.
BEGINS = "Stream mapping:"
VIDEO = re.compile(r"^ +Stream #.*Video: (?P<codec>\w+).*, (?P<width>\d+)x(?P<height>\d+)(?!.*attached pic)", re.M)
# At the beginning of a row: what a clip calls itself stands further in.
EVENT = re.compile(
    r"^\[.*\] concealing (?P<blocks>\d+) DC, .* in (?P<kind>\w) frame"
    r"|^\[(?P<codec>\w+) @ .*"
    r"|^(?P<corrupt>(?! |\[aist).*corrupt decoded frame)"
    r"|^(?:\[.*\] )?decoder -> .*?pts_time:(?P<time>-?\d+\.?\d*|NOPTS).* keyframe:(?P<key>\d)",
    re.M,
)


def count_complaints(log: str) -> int:
    """How often the decoders complained in what ffmpeg said: its rows that do."""
    return sum(bool(COMPLAINT.search(row)) for row in log.splitlines())


def concealed_shares(log: str, times_s: np.ndarray) -> np.ndarray:
    """How much of each picture a decoder guessed, or built on what it had guessed before.

    What cannot be decoded of a picture it fills in with what lies around it. The pictures that follow only say what has
    changed since, up to the next that stands for itself.

    Args:
        log: what ffmpeg said at log level info, asked with ``-debug_ts``: then each picture has a line when it leaves
            the decoder, after the complaints about it.
        times_s: when each picture is due [shape=(n,)].

    Returns:
        A share of each picture, 0 to 1 [shape=(n,)]; 0 where ffmpeg does not report it.
    """
    video = VIDEO.search(log)
    shares = dict(_shares(log[log.find(BEGINS) :], video)) if video else {}
    if not shares:
        return np.zeros(len(times_s))
    # By time: the decoder also goes through what lies before the part that is taken.
    known_s = np.array(sorted(shares))
    at = np.searchsorted(known_s, times_s + SAME_S, side="right") - 1
    return np.array([shares[time_s] for time_s in known_s[at.clip(0)]])


def _shares(log: str, video: re.Match[str]) -> Iterator[tuple[float, float]]:
    """Time and share of each picture in the log."""
    blocks = max(1, -(-int(video["width"]) // BLOCK_PX) * -(-int(video["height"]) // BLOCK_PX))
    # Some decoders complain and do not say what they conceal: then all of that picture counts.
    silent = "] concealing " not in log
    kept = coming = passing = time_s = 0.0  # B pictures pass: none is built on them, but for some of H.264
    corrupt = False
    for event in EVENT.finditer(log):
        if event["blocks"] and event["kind"] == "B":
            passing += int(event["blocks"]) / blocks
        elif event["blocks"]:
            coming += int(event["blocks"]) / blocks
        elif event["corrupt"]:
            corrupt = True
        elif event["codec"]:
            if silent and event["codec"] == video["codec"] and COMPLAINT.search(event[0]):
                coming, corrupt = 1.0, True
        else:
            time_s = float(event["time"]) if event["time"] != "NOPTS" else time_s
            kept = now = 0.0 if event["key"] == "1" else kept
            if corrupt:
                kept += coming
                now = kept + passing
                coming, passing, corrupt = 0.0, 0.0, False
            yield time_s, min(1.0, now)
