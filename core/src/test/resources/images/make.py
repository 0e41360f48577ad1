"""Writes the files beside it: one picture in the forms that pictures come in, and insightface's two kinds of packed sets.

    python3 make.py          (Pillow 9.4, NumPy)

The picture is 24x16: left half (200, 30, 40), right half (30, 60, 190).
"""

import io
import os
import pickle
import struct

import numpy
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
LEFT, RIGHT = (200, 30, 40), (30, 60, 190)


def at(name):
    return os.path.join(HERE, name)


def picture(left=LEFT, right=RIGHT, size=(24, 16)):
    image = Image.new("RGB", size, left)
    image.paste(right, (size[0] // 2, 0, size[0], size[1]))
    return image


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=95, subsampling=0, **options)
    return out.getvalue()


plain = picture()
open(at("plain.jpg"), "wb").write(jpeg(plain))
open(at("progressive.jpg"), "wb").write(jpeg(plain, progressive=True))
open(at("cmyk.jpg"), "wb").write(jpeg(plain.convert("CMYK")))
open(at("gray.jpg"), "wb").write(jpeg(plain.convert("L")))
turned = Image.Exif()
turned[0x0112] = 6  # to be turned by 90 degrees clockwise to be upright
open(at("exif.jpg"), "wb").write(jpeg(plain.transpose(Image.ROTATE_90), exif=turned))
plain.save(at("plain.png"))
plain.convert("P", palette=Image.ADAPTIVE, colors=4).save(at("palette.png"))
with_alpha = plain.convert("RGBA")
with_alpha.putalpha(Image.new("L", plain.size, 128))
with_alpha.save(at("alpha.png"))
Image.fromarray((numpy.asarray(plain.convert("L")).astype(numpy.uint16) * 257)).save(at("gray16.png"))
plain.save(at("plain.bmp"))
plain.save(at("plain.ppm"))
plain.convert("L").save(at("gray.pgm"))
plain.save(at("lossless.webp"), lossless=True)
plain.save(at("lossy.webp"), quality=95)


# ---- MXNet's RecordIO, as insightface packs training sets ----

MAGIC = struct.pack("<I", 0xCED7230A)


def record(payload):
    """Split where the magic number lies in the payload at a multiple of 4, as dmlc-core does."""
    parts, start = [], 0
    for i in range(0, len(payload) - 3, 4):
        if payload[i:i + 4] == MAGIC:
            parts.append(payload[start:i])
            start = i + 4
    parts.append(payload[start:])
    out = b""
    for i, part in enumerate(parts):
        flag = 0 if len(parts) == 1 else 1 if i == 0 else 3 if i == len(parts) - 1 else 2
        out += MAGIC + struct.pack("<I", flag << 29 | len(part)) + part + b"\0" * (-len(part) % 4)
    return out


def labelled(label, body):
    if isinstance(label, (int, float)):
        return struct.pack("<IfQQ", 0, label, 0, 0) + body
    return struct.pack("<IfQQ", len(label), 0, 0, 0) + struct.pack("<%df" % len(label), *label) + body


PEOPLE, IMAGES = 3, 4
records = []
for person in range(PEOPLE):
    for i in range(IMAGES):
        body = jpeg(picture((60 * person + 40, 10 * i, 0)))
        if person == 1 and i == 2:  # one whose bytes hold the magic number; behind the end of a JPEG anything may lie
            body += b"\0" * (-len(body) % 4) + MAGIC + b"tail"
        records.append(labelled(person if person else [float(person), 7.0], body))
last = len(records) + 1
records.insert(0, labelled([float(last), float(last + PEOPLE)], b""))
for person in range(PEOPLE):
    records.append(labelled([float(1 + person * IMAGES), float(1 + (person + 1) * IMAGES)], b""))
os.makedirs(at("recordio"), exist_ok=True)
with open(at("recordio/train.rec"), "wb") as rec, open(at("recordio/train.idx"), "w") as idx:
    for key, payload in enumerate(records):
        idx.write("%d\t%d\n" % (key, rec.tell()))
        rec.write(record(payload))

# ---- insightface's verification sets ----

pairs = [jpeg(picture((40 * i, 0, 0), size=(112, 112))) for i in range(6)]
truths = [True, False, True]
for name, protocol in [("pairs.bin", 4), ("pairs-2.bin", 2)]:
    with open(at(name), "wb") as out:
        pickle.dump((pairs if protocol == 4 else [p for p in pairs], truths), out, protocol=protocol)


def python2(value):
    """Protocol 2 as Python 2 wrote it: str for bytes."""
    if isinstance(value, bytes):
        return b"T" + struct.pack("<i", len(value)) + value
    return b"\x88" if value else b"\x89"


with open(at("pairs-python2.bin"), "wb") as out:
    out.write(b"\x80\x02](" + b"".join(map(python2, pairs)) + b"e](" + b"".join(map(python2, truths)) + b"e\x86.")

arrays = [numpy.frombuffer(p, numpy.uint8) for p in pairs]
for name, protocol in [("pairs-numpy.bin", 4), ("pairs-numpy-2.bin", 2)]:
    with open(at(name), "wb") as out:
        pickle.dump((arrays, truths), out, protocol=protocol)
with open(at("floats.bin"), "wb") as out:
    pickle.dump(([a.astype(numpy.float32) for a in arrays], truths), out, protocol=3)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/face-recognition-was-here",)


with open(at("evil.bin"), "wb") as out:
    pickle.dump(([Evil()], [True]), out)
