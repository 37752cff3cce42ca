"""The mouth in a photo."""

from lipmodel.inference.face_image import read_mouth_image


def test_a_photo_with_a_face(photo, setup):
    mouth = read_mouth_image(photo, setup)
    assert mouth.crop.shape == (64, 64, 3) and mouth.origin.startswith("mouth found at x 1")
