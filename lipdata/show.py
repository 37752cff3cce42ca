"""One clip as one picture: a second a row, its mouths above their flow above their log-mel, all on one time axis."""

import difflib
import math
from pathlib import Path

import cv2
import numpy as np

from lipdata import manifest, shards
from lipdata.errors import LipdataError
from lipdata.files import write_whole
from lipdata.shards import ClipData, Shard

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
    shard = find_clip(folder, clip_id)
    said = {row.clip_id: row.transcript for row in manifest.read(folder / "manifest.csv")}.get(clip_id, "")
    picture = draw(shard.clip(clip_id), int(shard.attributes["fps"]), said)
    encoded, png = cv2.imencode(".png", picture[:, :, ::-1])
    if not encoded:
        raise LipdataError(f"{target}: the picture could not be encoded as PNG")
    write_whole(target, png.tobytes())


def find_clip(folder: Path, clip_id: str) -> Shard:
    """The shard that holds a clip.

    Raises:
        LipdataError: no shard of the folder does; names clips of similar names.
    """
    found = shards.open_folder(folder)
    shard = next((shard for shard in found if any(clip.clip_id == clip_id for clip in shard.clips)), None)
    if shard is None:
        held = [clip.clip_id for shard in found for clip in shard.clips]
        some = ", ".join(difflib.get_close_matches(clip_id, held) or held[:3])
        raise LipdataError(
            f"{folder} has no clip {clip_id!r}; it has {some}, ...; failed clips stand in its ledger.csv"
        )
    return shard


def draw(clip: ClipData, fps: int, transcript: str) -> np.ndarray:
    """The picture of a clip, RGB uint8 [shape=(H, W, 3)]; at most its first 20 seconds."""
    n_frames, side = clip.frames.shape[:2]
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


def full_colour(flow: np.ndarray) -> float:
    """The motion, pixels a frame, to draw in full colour: 99.5 % of the pixels are slower; at least 0.5.

    Args:
        flow: (dx, dy) [shape=(T, H, W, 2)].
    """
    motion = np.linalg.norm(flow.astype(np.float32), axis=-1)
    return max(float(np.percentile(motion, 99.5)), 0.5)


def flow_colour(flow: np.ndarray, fastest: float) -> np.ndarray:
    """Flow as colour: hue is the direction, saturation the magnitude, full at ``fastest`` pixels a frame.

    Args:
        flow: (dx, dy) [shape=(..., H, W, 2)].

    Returns:
        RGB uint8 [shape=(..., H, W, 3)].
    """
    flow = flow.astype(np.float32)
    hue = (np.degrees(np.arctan2(flow[..., 1], flow[..., 0])) % 360) / 2
    strength = np.clip(np.linalg.norm(flow, axis=-1) / fastest, 0, 1) * 255
    hsv = np.stack([hue, strength, np.full_like(hue, 255)], axis=-1).astype(np.uint8)
    return cv2.cvtColor(hsv.reshape(-1, hsv.shape[-2], 3), cv2.COLOR_HSV2RGB).reshape(hsv.shape)


def wheel(radius: int) -> tuple[np.ndarray, np.ndarray]:
    """The colours of all directions, outwards from the middle, and which pixels the disc covers.

    Returns:
        RGB uint8 [shape=(2 radius + 1, 2 radius + 1, 3)] and bool [shape=(2 radius + 1, 2 radius + 1)].
    """
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return flow_colour(np.stack([x, y], axis=-1), radius), x**2 + y**2 <= radius**2


def mel_colour(mel: np.ndarray, width: int, height: int) -> np.ndarray:
    """Log-mel as colour: time to the right, low bands below, -60 to 30 dB from dark to bright; dark where no number.

    Args:
        mel: dB re 1.0 [shape=(T, columns, mels)].

    Returns:
        RGB uint8 [shape=(height, width, 3)].
    """
    bands = mel.reshape(-1, mel.shape[-1]).T[::-1]  # mels, columns
    grey = (np.clip((np.nan_to_num(bands, nan=-100) + 60) / 90, 0, 1) * 255).astype(np.uint8)
    sized = cv2.resize(grey, (width, height), interpolation=cv2.INTER_NEAREST)
    return cv2.cvtColor(cv2.applyColorMap(sized, cv2.COLORMAP_MAGMA), cv2.COLOR_BGR2RGB)


def _draw_row(page: np.ndarray, top: int, clip: ClipData, frames: slice, fastest: float, fps: int) -> None:
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
