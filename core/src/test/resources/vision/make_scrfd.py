"""Writes networks with SCRFD's inputs and outputs beside it, for tests where the weights of a real one are absent.

    python3 make_scrfd.py          (torch; scrfd-squares-fixed.onnx is of torch 2.14, with dynamo=False)

scrfd-squares.onnx takes colored squares for faces, as squares.onnx does for YuNet (see make.py): the same boxes, points
and squares. Its second anchor also answers to small faces, with a lower score and a box that is one pixel larger, and it
alone answers to large ones. It takes images of any size; scrfd-squares-fixed.onnx is the same network for images of
320x256 only, with a batch dimension and an operation that leaves it to OpenCV. scrfd-random.onnx has random weights and
the pyramid of a real one.
"""

import os

import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
STRIDES = (8, 16, 32)
POINTS = [-1, -0.5, 2, -0.5, 0.5, 1, -0.5, 2, 1.5, 2]
# the face is 5 squares wide and 6 high, about the center of the square: from its corner 2 to the left, 3 to the right, ...
BOX = [2, 2.5, 3, 3.5]
PIXEL = 1 / 8
CLASSES = {8: [10, -5, -5], 16: [-5, -5, 10], 32: [0, 0, 0]}  # of red, green, blue
BIAS = {8: [-9.06, -10.06], 16: [-30, -9.06], 32: [-30, -30]}  # of the two anchors


def conv(rows, bias):
    layer = torch.nn.Conv2d(3, len(bias), 1)
    layer.weight.data = torch.tensor(rows, dtype=torch.float32)[:, :, None, None]
    layer.bias.data = torch.tensor(bias, dtype=torch.float32)
    return layer


class Squares(torch.nn.Module):
    def __init__(self, batched):
        super().__init__()
        self.batched = batched
        none = [0.0, 0.0, 0.0]
        self.scores = torch.nn.ModuleList([conv([CLASSES[s]] * 2, BIAS[s]) for s in STRIDES])
        second = [b + PIXEL for b in BOX]
        self.boxes = torch.nn.ModuleList(
            [conv([none] * 8, BOX + (second if s == 8 else BOX)) for s in STRIDES]
        )
        self.points = torch.nn.ModuleList([conv([none] * 20, POINTS * 2) for s in STRIDES])

    def rows(self, x, count):
        if self.batched:
            return x.permute(0, 2, 3, 1).reshape(1, int(x.numel()) // count, count)
        return x.permute(2, 3, 0, 1).reshape(-1, count)

    def forward(self, x):
        if self.batched:
            x = torch.maximum(x, x)  # not among the operations of the library
        cells = [F.avg_pool2d(x, s) for s in STRIDES]
        scores = [torch.sigmoid(self.rows(head(c), 1)) for head, c in zip(self.scores, cells)]
        boxes = [self.rows(head(c), 4) for head, c in zip(self.boxes, cells)]
        points = [self.rows(head(c), 10) for head, c in zip(self.points, cells)]
        return tuple(scores + boxes + points)


class Pyramid(torch.nn.Module):
    """Random weights; the coarser maps are added to the finer ones and back, as in a real one."""

    def __init__(self, channels=8):
        super().__init__()

        def down(inputs):
            return torch.nn.Sequential(torch.nn.Conv2d(inputs, channels, 3, 2, 1), torch.nn.ReLU())

        self.stem = torch.nn.Sequential(down(3), down(channels))
        self.stages = torch.nn.ModuleList([down(channels) for _ in STRIDES])
        self.up = torch.nn.ModuleList([torch.nn.Conv2d(channels, channels, 3, 2, 1) for _ in STRIDES[1:]])
        for name, count in (("scores", 2), ("boxes", 8), ("points", 20)):
            heads = [torch.nn.Conv2d(channels, count, 3, 1, 1) for _ in STRIDES]
            setattr(self, name, torch.nn.ModuleList(heads))

    def forward(self, x):
        maps = []
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        for i in (1, 0):
            maps[i] = maps[i] + F.interpolate(maps[i + 1], size=maps[i].shape[2:], mode="nearest")
        for i in (1, 2):
            maps[i] = maps[i] + self.up[i - 1](maps[i - 1])

        def rows(heads, count):
            return [h(m).permute(2, 3, 0, 1).reshape(-1, count) for h, m in zip(heads, maps)]

        scores = [torch.sigmoid(4 * s) for s in rows(self.scores, 1)]
        boxes = [2 + 4 * b.abs() for b in rows(self.boxes, 4)]
        return tuple(scores + boxes + rows(self.points, 10))


def export(net, name, height, width, **options):
    path = os.path.join(HERE, name)
    torch.onnx.export(
        net.eval(), torch.zeros(1, 3, height, width), path, input_names=["input.1"], opset_version=11, **options
    )


any_size = {"dynamic_axes": {"input.1": {2: "height", 3: "width"}}}
export(Squares(False), "scrfd-squares.onnx", 64, 64, **any_size)
export(Squares(True), "scrfd-squares-fixed.onnx", 256, 320)
torch.manual_seed(23)
export(Pyramid(), "scrfd-random.onnx", 64, 64, **any_size)
