"""Draws a picture anew: a program of its own, so that a broken one harms nobody.

It reads an image from standard input and writes a small PNG to standard output. Whatever else the
image said, comments, scripts, places, is gone. It exits with 1 for what it cannot or will not read.
"""

import resource
import sys
import warnings
from io import BytesIO
from typing import Final

from PIL import Image

SIZE: Final = (128, 128)  # pixels, within which it keeps its proportions
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
_PIXEL_LIMIT: Final = 16_000_000
_MEMORY_BYTES: Final = 1 << 30
_CPU_SECONDS: Final = 5


def redraw(octets: bytes) -> bytes:
    """Return *octets*, an image, as a small PNG. Raises OSError or ValueError for what is none."""
    Image.MAX_IMAGE_PIXELS = _PIXEL_LIMIT
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(BytesIO(octets), formats=_FORMATS) as image:
        small = image.convert("RGBA")
    small.thumbnail(SIZE)
    drawn = BytesIO()
    # Pixels alone: a copy of the image would take its comments along.
    fresh = Image.new("RGBA", small.size)
    fresh.paste(small)
    fresh.save(drawn, "PNG")
    return drawn.getvalue()


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> int:
    """Draw what comes in; return the exit code."""
    _confine()
    try:
        drawn = redraw(sys.stdin.buffer.read())
    except (OSError, ValueError, Warning, MemoryError, SyntaxError):  # all that Pillow raises
        return 1
    sys.stdout.buffer.write(drawn)
    return 0


if __name__ == "__main__":
    sys.exit(main())
