"""Writes squares.onnx beside it: a net with YuNet's inputs and outputs that takes coloured squares for faces.

    python3 make.py          (torch)

For tests of what lies around a detector, where the real one's file is absent. A red square of 8x8 pixels on the grid of 8
is a face of 40x48 pixels about its centre, a blue one of 16x16 on the grid of 16 a face of 80x96; green over red halves
the score's square. Points, in squares from its top left corner: eyes (-1, -.5) and (2, -.5), nose (.5, 1), corners of the
mouth (-.5, 2) and (1.5, 2).
"""

import math
import os

import torch

POINTS = [-1, -0.5, 2, -0.5, 0.5, 1, -0.5, 2, 1.5, 2]
BOX = [0.5, 0.5, math.log(5), math.log(6)]
CLASSES = {8: [-1, -0.5, 1], 16: [1, -0.5, -1], 32: [0, 0, 0]}  # of blue, green, red, in units of full


class Squares(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.outputs = torch.nn.ModuleDict()
        for stride, colours in CLASSES.items():
            self.add("cls", stride, [0], [c / 255 for c in colours])
            self.add("obj", stride, [1])
            self.add("bbox", stride, BOX)
            self.add("kps", stride, POINTS)

    def add(self, name, stride, bias, colours=(0, 0, 0)):
        conv = torch.nn.Conv2d(3, len(bias), 1)
        conv.weight.data = torch.tensor([list(colours)] * len(bias), dtype=torch.float32)[:, :, None, None]
        conv.bias.data = torch.tensor(bias, dtype=torch.float32)
        self.outputs["%s_%d" % (name, stride)] = conv

    def forward(self, x):
        cells = {stride: torch.nn.functional.avg_pool2d(x, stride) for stride in CLASSES}
        return [self.outputs[n](cells[int(n.split("_")[1])]).permute(0, 2, 3, 1) for n in self.outputs]


net = Squares().eval()
names = list(net.outputs)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "squares.onnx")
torch.onnx.export(net, torch.zeros(1, 3, 64, 64), path, input_names=["input"], output_names=names, opset_version=11)
