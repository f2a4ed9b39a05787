"""Photos in every format that is read, small enough to be written in a test."""

import io
import struct
import zlib

import cv2
import numpy as np
from PIL import Image

KINDS = ("jpg", "preview.jpg", "png", "tif", "strips.tif", "bmp", "webp", "jp2", "avif", "heic")


def picture(height: int = 48, width: int = 64) -> np.ndarray:
    """Return a smooth RGB picture that no turn or mirror leaves as it is."""
    rows, columns = np.mgrid[:height, :width]
    colours = [rows * 200 // height, columns * 200 // width, 255 - rows * 120 // height]
    return np.stack(colours, axis=2).astype(np.uint8)


def encoded(kind: str, rgb: np.ndarray | None = None, orientation: int = 1) -> bytes:
    """Encode a photo as one of `KINDS`, with an EXIF orientation."""
    image = Image.fromarray(picture() if rgb is None else rgb)
    file = io.BytesIO()
    if kind == "heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    format = {"jpg": "JPEG", "tif": "TIFF", "jp2": "JPEG2000", "heic": "HEIF"}
    suffix = kind.rpartition(".")[2]
    options = {"exif": exif} if suffix not in ("bmp", "jp2") else {}
    if kind == "strips.tif":
        options |= {"compression": "tiff_lzw", "strip_size": 64 * 3 * 4}
    image.save(file, format.get(suffix, suffix.upper()), **options)
    if kind != "preview.jpg":
        return file.getvalue()
    preview = cv2.imencode(".jpg", picture(24, 32))[1].tobytes()
    segment = b"Exif\0\0" + preview  # as where cameras put their previews
    length = struct.pack(">H", len(segment) + 2)
    return b"\xff\xd8\xff\xe1" + length + segment + file.getvalue()[2:]


def black_png(width: int, height: int, rows: int) -> bytes:
    """Return a PNG whose header announces a size, and which holds ``rows`` of it in black."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(rows * (3 * width + 1)), 1)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
