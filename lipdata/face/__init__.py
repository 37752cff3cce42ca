"""A clip's frames -> the landmarks of one face, and the mouth cut out of each frame.

Takes RGB frames; gives a ``Track`` of 68 points a frame, crop boxes and crops. A detector of one's own is a
``FaceDetector``, named by an entry point of the group ``lipdata.detectors``.
"""

from lipdata.face.crop import crop_frames, find_mouth, mouth_boxes, reference_face, to_crop_pixels
from lipdata.face.detector import MOUTH, FaceDetector, PictureDetector, Track, true_runs
from lipdata.face.dlib_detector import DlibDetector, cached_detector, predictor_path
from lipdata.face.registry import DLIB, detector_name, landmarks_path, open_detector
from lipdata.face.tracking import track_face

__all__ = [
    "DLIB",
    "MOUTH",
    "DlibDetector",
    "FaceDetector",
    "PictureDetector",
    "Track",
    "cached_detector",
    "crop_frames",
    "detector_name",
    "find_mouth",
    "landmarks_path",
    "mouth_boxes",
    "open_detector",
    "predictor_path",
    "reference_face",
    "to_crop_pixels",
    "track_face",
    "true_runs",
]
