"""Decodes SCRFD with numpy, as insightface's scrfd.py is published, and writes the faces that it finds.

    python3 golden_scrfd.py NETWORK.onnx IMAGE MIN_SCORE GOLDEN.json          (onnxruntime, numpy, pillow)

IMAGE is an image file, or HEIGHTxWIDTH for the noise that noise() makes. The golden files beside it were written by
    golden_scrfd.py scrfd-random.onnx 200x330 0.65 scrfd-random.json
    golden_scrfd.py .../scrfd_500m_kps.onnx scrfd-group.png 0.5 scrfd-group.json
and scrfd-group.png shows five of the library's synthetic faces.
"""

import json
import sys

import numpy as np
import onnxruntime

MAX_OVERLAP = 0.4


def noise(height, width):
    state, out = 1, []
    for _ in range(height * width * 3):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out.append(state >> 16 & 255)
    return np.array(out, dtype=np.uint8).reshape(height, width, 3)


def image(argument):
    if argument.count("x") == 1 and argument.replace("x", "").isdigit():
        return noise(*map(int, argument.split("x")))
    from PIL import Image

    return np.asarray(Image.open(argument).convert("RGB"))


def decode(session, rgb):
    declared = session.get_inputs()[0].shape[2:]  # numbers, or names of sizes that are open
    height, width = (d if isinstance(d, int) else -(-s // 32) * 32 for d, s in zip(declared, rgb.shape))
    canvas = np.zeros((height, width, 3), dtype=np.float32)
    canvas[: rgb.shape[0], : rgb.shape[1]] = rgb
    blob = ((canvas - 127.5) / 128).transpose(2, 0, 1)[None].astype(np.float32)
    out = [o.reshape(-1, o.shape[-1]) for o in session.run(None, {session.get_inputs()[0].name: blob})]
    faces = []
    for i, stride in enumerate((8, 16, 32)):
        rows, columns = height // stride, width // stride
        centers = np.stack(np.mgrid[:rows, :columns][::-1], axis=-1).reshape(-1, 2) * stride
        centers = np.repeat(centers, 2, axis=0).astype(np.float64)  # two anchors
        scores, box, points = out[i][:, 0], out[3 + i] * np.float64(stride), out[6 + i] * np.float64(stride)
        corners = np.concatenate([centers - box[:, :2], centers + box[:, 2:]], axis=1)
        landmarks = points.reshape(-1, 5, 2) + centers[:, None]
        faces += [(float(s), c, p) for s, c, p in zip(scores, corners, landmarks)]
    return faces


def overlap(a, b):
    size = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = max(size[0], 0) * max(size[1], 0)
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def main(network, picture, min_score, golden):
    session = onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"])
    faces = [f for f in decode(session, image(picture)) if f[0] >= float(min_score)]
    faces.sort(key=lambda face: -face[0])
    print(len(faces), "candidates")
    kept = []
    for face in faces:
        if all(overlap(face[1], other[1]) <= MAX_OVERLAP for other in kept):
            kept.append(face)
    result = []
    for score, box, points in kept:
        sides = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
        result.append({
            "score": round(score, 4),
            "box": [round(v, 2) for v in sides],
            "points": [[round(v, 2) for v in p] for p in points.tolist()],
        })
    with open(golden, "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(face) for face in result) + "\n]\n")


main(*sys.argv[1:])
