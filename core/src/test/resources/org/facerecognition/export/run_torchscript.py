"""Runs TorchScript models.

The arguments repeat FILE INPUT SHAPE TYPE OUTPUT; the contract of each file is printed on one line.
"""
import sys

import numpy
import torch

arguments = sys.argv[1:]
for file, given, shape, kind, output in zip(*[iter(arguments)] * 5):
    extra = {"contract.json": ""}
    model = torch.jit.load(file, _extra_files=extra)
    shape = [int(size) for size in shape.split("x")]
    x = torch.from_numpy(numpy.fromfile(given, dtype=kind).reshape(shape))
    with torch.no_grad():
        model(x).numpy().astype("float32").tofile(output)
    contract = extra["contract.json"]
    print(contract.decode() if isinstance(contract, bytes) else contract)
