"""Adds verification sets in every layout and pickle protocol to verification-sets.zip.

Run with NumPy 1 and with NumPy 2, which name their functions differently:
rm -f verification-sets.zip; for python in python-with-numpy-1 python-with-numpy-2; do $python verification_sets.py; done
"""
import pickle
import struct
import zipfile
import zlib

import numpy as np


def png(gray):
    """An image of one pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes([0, gray]))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def objects(values):
    array = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        array[i] = value
    return array


images = [png(10 * i) for i in range(4)]  # of two pairs: the same person, different people
arrays = [np.frombuffer(image, np.uint8).copy() for image in images]
layouts = {
    "lists": (images, [True, False]),
    "list-of-both": [images, [1, 0]],
    "tuples": (tuple(images), (True, False)),
    "bytearrays": ([bytearray(image) for image in images], [True, False]),
    "arrays-bool": (arrays, np.array([True, False])),
    "objects-int64": (objects(images), np.array([1, 0])),
    "objects-of-arrays-uint8": (objects(arrays), np.array([1, 0], np.uint8)),
    "objects-of-bytearrays-objects": (objects([bytearray(image) for image in images]), objects([True, False])),
    "big-endian": (images, np.array([256, 0], ">i4")),
    "int16": (images, np.array([-1, 0], np.int16)),
    "float32": (images, np.array([1, 0], np.float32)),
    "float64": (images, np.array([0.5, 0])),
    "column": (images, np.array([[True], [False]])),
    "scalars": (arrays, [np.int64(1), np.bool_(False)]),
}
version = np.__version__.split(".")[0]
with zipfile.ZipFile("verification-sets.zip", "a", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
    for name, both in layouts.items():
        for protocol in range(6):
            entry = zipfile.ZipInfo(f"numpy{version}-{name}-{protocol}")  # with a fixed date
            out.writestr(entry, pickle.dumps(both, protocol=protocol), zipfile.ZIP_DEFLATED, 9)
