"""One clip as one picture: a second a row, its mouths above their flow above their log-mel, all on one time axis."""

import math
from pathlib import Path

import cv2
import numpy as np

from lipdata.atomic_files import write_atomic
from lipdata.errors import LipdataError
from lipdata.features import flow_colour, full_colour, mel_colour, wheel
from lipdata.shards import Clip, ShardFolder

MARGIN, GAP, TITLE = 76, 10, 44
MEL_HEIGHT = 110
MAX_ROWS = 20
INK, FAINT, PAPER = (30, 30, 30), (120, 120, 120), 250


def show_clip(folder: Path, clip_id: str, target: Path, *, overwrite: bool) -> None:
    """Draw one clip of a shard folder into a PNG.

    Raises:
        LipdataError: no such clip, or ``target`` is there already and not to be overwritten.
    """
    if target.exists() and not overwrite:
        raise LipdataError(f"{target} is there already; choose another -o or say --overwrite")
    shards = ShardFolder(folder)
    clip = shards[clip_id]
    transcript = next((row.transcript for row in shards.manifest if row.clip_id == clip_id), "")
    picture = draw_clip(clip, transcript)
    encoded, png = cv2.imencode(".png", picture[:, :, ::-1])
    if not encoded:
        raise LipdataError(f"{target}: the picture could not be encoded as PNG")
    write_atomic(target, png.tobytes())


def draw_clip(clip: Clip, transcript: str) -> np.ndarray:
    """The picture of a clip, RGB uint8 [shape=(H, W, 3)]; at most its first 20 seconds."""
    n_frames, side, fps = *clip.frames.shape[:2], clip.fps
    n_rows = min(math.ceil(n_frames / fps), MAX_ROWS)
    row_height = 2 * side + MEL_HEIGHT + 3 * GAP + 16
    page = np.full((TITLE + n_rows * row_height, MARGIN + fps * side + GAP, 3), PAPER, np.uint8)
    fastest = full_colour(clip.flow)
    title = f"{clip.clip_id}   {transcript}".rstrip()
    _write(page, title, (GAP, 28), 0.7, INK)
    facts = f"{n_frames} frames, {n_frames / fps:.2f} s, {int(clip.tracked.sum())} tracked"
    _write(
        page, f"{facts}   flow: hue is direction, full colour {fastest:.1f} px a frame", (MARGIN + 560, 28), 0.5, FAINT
    )
    _draw_wheel(page, (page.shape[1] - 28, 24), 16)
    for row in range(n_rows):
        frames = slice(row * fps, min((row + 1) * fps, n_frames))
        _draw_row(page, TITLE + row * row_height, clip, frames, fastest, fps)
    return page


def _draw_row(page: np.ndarray, top: int, clip: Clip, frames: slice, fastest: float, fps: int) -> None:
    side = clip.frames.shape[1]
    mouths = np.concatenate(list(clip.frames[frames]), axis=1)  # H, frames * W, 3
    motion = np.concatenate(list(flow_colour(clip.flow[frames], fastest)), axis=1)
    mel = mel_colour(clip.mel[frames], mouths.shape[1], MEL_HEIGHT)
    labelled = (("mouth", mouths), ("flow", motion), ("log-mel", mel))
    for label, picture in labelled:
        height, width = picture.shape[:2]
        page[top : top + height, MARGIN : MARGIN + width] = picture
        _write(page, label, (GAP, top + height // 2 + 5), 0.45, INK)
        top += height + (2 if label == "mouth" else GAP)
    for frame in range(frames.start, frames.stop, 5):
        _write(page, f"{frame / fps:.1f} s", (MARGIN + (frame - frames.start) * side, top + 6), 0.4, FAINT)
    for untracked in np.flatnonzero(~clip.tracked[frames]):
        x = MARGIN + int(untracked) * side
        cv2.rectangle(page, (x, top - 4), (x + side, top - 2), (200, 30, 30), -1)


def _draw_wheel(page: np.ndarray, centre: tuple[int, int], radius: int) -> None:
    colours, inside = wheel(radius)
    area = page[centre[1] - radius : centre[1] + radius + 1, centre[0] - radius : centre[0] + radius + 1]
    area[inside] = colours[inside]


def _write(page: np.ndarray, text: str, at: tuple[int, int], size: float, colour: tuple[int, int, int]) -> None:
    # OpenCV's font holds ASCII only.
    shown = text.encode("ascii", "replace").decode()
    cv2.putText(page, shown, at, cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
