"""A portrait that opens its mouth: the photograph pulled along dlib's landmarks into the shape of a sound.

The photograph smiles with open lips, so lips, teeth and skin are all in it. The teeth stay with the skull,
the lips slide over them, and below them a dark cavity opens. As in ``portrait``, all warps run backwards.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from lipdata.samples.portrait import CHIN, CORNERS, FINE, NOSE_BASE, Floats, Image, find_landmarks, hill, rise, taken

_CAVITY = np.array([50, 17, 17], np.float32)
_TONGUE = np.array([128, 60, 58], np.float32)


@dataclass(frozen=True)
class Face:
    """A speaker in the photograph's smile, ready to be warped.

    Lengths called ``_u`` are in halves of the mouth's width; u runs from corner (-1) to corner (1) and v
    down, from 0 at the corners.

    Attributes:
        image: RGB, ``FINE`` times the frame with its margins.
        box: the part of ``image`` that moves: left, top, right, bottom.
        half_px: half the mouth's width in pixels of ``image``.
        to_image: shape (2, 3), from (u, v, 1) to x and y in ``image``.
        u, v: of every pixel of the box; shape (box height, box width).
        upper, lower: inner edges of the lips at u, polynomials of degree 2 that the factor 1 - u² multiplies.
        nose_u, chin_u: v of the nose's base and of the chin.
        teeth: float32 RGB of the box, the teeth where the skull has them.
        teeth_share: 0 to 1, how much of a pixel is teeth.
    """

    image: Image
    box: tuple[int, int, int, int]
    half_px: float
    to_image: Floats
    u: Floats
    v: Floats
    upper: Floats
    lower: Floats
    nose_u: float
    chin_u: float
    teeth: Floats
    teeth_share: Floats


def measure_face(image: Image) -> Face:
    """Find the face and lay the mouth's own co-ordinates over the part of it that moves.

    Args:
        image: from ``portrait``.

    Raises:
        LipdataError: no face.
    """
    points = find_landmarks(image)
    left, right = points[CORNERS]
    middle, across = (left + right) / 2, (right - left) / 2
    half_px = float(np.hypot(*across))
    turn = np.array([[across[0], -across[1]], [across[1], across[0]]], np.float32)
    back = np.linalg.inv(turn)
    (x0, y0), (x1, y1) = (middle + half_px * np.array([[-3.0, -1.6], [3.0, 3.4]])).astype(int).tolist()
    x, y = np.meshgrid(np.arange(x0, x1) - middle[0], np.arange(y0, y1) - middle[1])
    u, v = np.einsum("ij,jhw->ihw", back, np.stack([x, y])).astype(np.float32)  # 2, H, W
    own = (points - middle) @ back.T  # 68, 2
    upper, lower = _edge(own[61:64]), _edge(own[65:68])
    return Face(
        image=image,
        box=(x0, y0, x1, y1),
        half_px=half_px,
        to_image=np.column_stack([turn, middle]).astype(np.float32),
        u=u,
        v=v,
        upper=upper,
        lower=lower,
        nose_u=float(own[NOSE_BASE, 1]),
        chin_u=float(own[CHIN, 1]),
        teeth=image[y0:y1, x0:x1].astype(np.float32),
        teeth_share=_teeth_share(u, v, upper, lower, half_px),
    )


def _edge(points: Floats) -> Floats:
    """The curve through both corners and three landmarks."""
    u, v = points.T
    return np.linalg.solve(np.vander(u, 3), v / (1.0 - u * u)).astype(np.float32)


def _along(edge: Floats, u: Floats) -> Floats:
    """v of a lip's edge at u; 0 beyond the corners."""
    return np.clip(1.0 - u * u, 0.0, 1.0) * np.polyval(edge, u)


def _teeth_share(u: Floats, v: Floats, upper: Floats, lower: Floats, half_px: float) -> Floats:
    soft = 1.5 / half_px
    below, above = rise((v - _along(upper, u)) / soft), rise((_along(lower, u) - v) / soft)
    return below * above * rise((1.0 - np.abs(u)) * 5)


def draw_mouth(face: Face, opening: float, spread: float) -> Image:
    """The speaker's image with another mouth.

    Args:
        face: from ``measure_face``.
        opening: 0 (lips together) to 1 (inner lips apart by 0.3 of the mouth's width).
        spread: -1 (narrow and round) to 1 (as wide as the smile).
    """
    x0, y0, x1, y1 = face.box
    image = face.image.copy()
    u, v = _unsmile(face, opening, spread)
    upper, lower = lips = _open_lips(face, u, opening)
    picture = _pull_skin(face, u, v, lips, full=0.2 - 0.15 * spread)
    inside = _inside(face, v, upper, lower, lit=1.0 + 0.8 * min(spread, 0.0))
    share = _share_inside(face, u, v, upper, lower)[..., None]  # H, W, 1
    image[y0:y1, x0:x1] = np.clip(picture + share * (inside - picture) + 0.5, 0, 255).astype(np.uint8)
    return image


def _unsmile(face: Face, opening: float, spread: float) -> tuple[Floats, Floats]:
    """Where in the smile a pixel comes from, when the corners come in and down."""
    narrow = 0.17 - (0.15 if spread > 0 else 0.24) * spread + 0.05 * opening
    drop = 0.32 - 0.1 * max(spread, 0.0) + 0.14 * opening
    near = hill(face.u / 1.9) * hill((face.v - 0.2) / 1.1)
    u = face.u * (1.0 + narrow / (1.0 - narrow) * near)
    corner = u * u * np.exp(1.0 - u * u)
    return u, face.v - drop * corner * near


def _open_lips(face: Face, u: Floats, opening: float) -> tuple[Floats, Floats]:
    """v of the edges of both lips, in the smile's place."""
    upper, lower = _along(face.upper, u), _along(face.lower, u)
    seam = upper + 0.3 * (lower - upper)
    gap = 0.6 * opening * np.clip(1.0 - u * u, 0.0, 1.0) ** 0.8
    return seam - 0.15 * gap, seam + 0.85 * gap


def _pull_skin(face: Face, u: Floats, v: Floats, lips: tuple[Floats, Floats], full: float) -> Floats:
    """Skin and lips in their new place; ``full`` is how much the lips swell, 0 to 0.5."""
    upper, lower = lips
    # A little within the lips, where the photograph no longer mixes them with teeth.
    inset = 0.9 * FINE / face.half_px * rise((1.0 - np.abs(u)) * 4)
    lift = upper - _along(face.upper, u) + inset
    fall = lower - _along(face.lower, u) - inset
    above = _from_above(face, upper, np.maximum(upper - v, 0.0), lift, full)
    below = _from_below(face, u, lower, np.maximum(v - lower, 0.0), fall, full)
    came = np.where(v < (upper + lower) / 2, above, below)
    x, y = np.einsum("ij,jhw->ihw", face.to_image, np.stack([u, came, np.ones_like(u)]))
    return taken(face.image, x, y, cv2.INTER_CUBIC).astype(np.float32)


def _from_above(face: Face, edge: Floats, away: Floats, lift: Floats, full: float) -> Floats:
    """v in the photograph of what lies ``away`` above the upper lip's edge; the nose stays."""
    swollen = away * (1.0 - full * hill(away / 0.45))
    return edge - swollen - lift * (1.0 - rise(away / (0.3 - face.nose_u)))


def _from_below(face: Face, u: Floats, edge: Floats, away: Floats, fall: Floats, full: float) -> Floats:
    """v in the photograph of what lies ``away`` below the lower lip's edge; the jaw follows, not the neck."""
    swollen = away * (1.0 - full * hill(away / 0.6))
    at_jaw = rise(away / (0.7 * face.chin_u))
    jaw = 0.75 * float(fall[np.abs(u) < 0.1].max()) * hill(u / 2.6)
    still = rise((edge + away - face.chin_u) / 1.4)
    return edge + swollen - (fall * (1.0 - at_jaw) + jaw * at_jaw) * (1.0 - still)


def _inside(face: Face, v: Floats, upper: Floats, lower: Floats, lit: float) -> Floats:
    """Teeth in the shadow of the lips, and the cavity below them; ``lit``, 0 to 1, falls as lips round."""
    depth = rise((v - upper - 0.25) / 0.5)[..., None]
    cavity = _CAVITY + 0.6 * depth * (_TONGUE - _CAVITY)
    light = lit * (0.6 + 0.4 * rise((v - upper) / 0.15)) * (0.15 + 0.85 * rise((lower - upper) / 0.18))
    return cavity + (light * face.teeth_share)[..., None] * (face.teeth - cavity)


def _share_inside(face: Face, u: Floats, v: Floats, upper: Floats, lower: Floats) -> Floats:
    """How much of a pixel is not lip. Where the lips touch, a quarter is left: the line between them."""
    soft = 2.0 / face.half_px
    between = np.clip((v - upper) / soft + 0.5, 0, 1) * np.clip((lower - v) / soft + 0.5, 0, 1)
    return between * rise((1.0 - np.abs(u)) * 6)
