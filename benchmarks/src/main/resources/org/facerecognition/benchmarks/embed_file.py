"""Embeds images with PyTorch.

    python3 embed_file.py TORCHSCRIPT IMAGES OUT

IMAGES and OUT are raw little-endian float32 files; IMAGES has the shape [B, 3, 112, 112].
"""
import sys

import numpy
import torch

net, images, out = sys.argv[1:4]
x = torch.from_numpy(numpy.fromfile(images, dtype="<f4").reshape(-1, 3, 112, 112))
with torch.inference_mode():
    torch.jit.load(net).eval()(x).numpy().astype("<f4").tofile(out)
