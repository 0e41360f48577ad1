"""Writes the files beside it: small encoders as PyTorch exports them, the images that they take, and their embeddings.

    python3 make.py          (Python 3.11, torch 2.14, torchvision 0.29, onnx 1.23, onnxruntime 1.30)

NAME.onnx is a network of torchvision's own classes, or one of the library's written in PyTorch, with random weights and
statistics of batch normalizations that are no identity. NAME.bin is what ONNX Runtime computes of images.bin with it:
float32, as the images. Large weights are stored in half precision.
"""
import os
import warnings

import numpy
import onnx
import onnxruntime
import torch
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.efficientnet import FusedMBConvConfig, MBConvConfig
from torchvision.models.mobilenetv3 import InvertedResidualConfig
from torchvision.models.regnet import BlockParams
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.squeezenet import Fire

warnings.filterwarnings("ignore")
FOLDER = os.path.dirname(os.path.abspath(__file__))
SIZE_PX = 48
OUTPUTS = 16
HALF_FROM = 256  # values of a tensor


class Sum(nn.Module):
    """Adds the results of two branches."""

    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

    def forward(self, x):
        return self.one(x) + self.other(x)


def conv(inputs, outputs, kernel, stride=1, groups=1, padding=None):
    padding = kernel // 2 if padding is None else padding
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)


def down(inputs, outputs, stride):
    return nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


def head(inputs, side):
    """The head of ArcFace's networks."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.Flatten(), nn.Dropout(0.4), nn.Linear(inputs * side * side, OUTPUTS),
        nn.BatchNorm1d(OUTPUTS))


def iresnet():
    def block(inputs, outputs, stride):
        body = nn.Sequential(
            nn.BatchNorm2d(inputs), conv(inputs, outputs, 3), nn.BatchNorm2d(outputs), nn.PReLU(outputs),
            conv(outputs, outputs, 3, stride), nn.BatchNorm2d(outputs))
        return Sum(body, nn.Identity() if stride == 1 else down(inputs, outputs, stride))

    return nn.Sequential(
        conv(3, 8, 3), nn.BatchNorm2d(8), nn.PReLU(8), block(8, 8, 2), block(8, 8, 1), block(8, 16, 2),
        block(16, 24, 2), block(24, 32, 2), head(32, 3))


def mobilefacenet():
    def block(inputs, outputs, stride):
        wide = 2 * inputs
        return nn.Sequential(
            conv(inputs, wide, 1), nn.BatchNorm2d(wide), nn.PReLU(wide), conv(wide, wide, 3, stride, wide),
            nn.BatchNorm2d(wide), nn.PReLU(wide), conv(wide, outputs, 1), nn.BatchNorm2d(outputs))

    return nn.Sequential(
        conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.PReLU(16), block(16, 16, 2), Sum(block(16, 16, 1), nn.Identity()),
        block(16, 24, 2), conv(24, 48, 1), nn.BatchNorm2d(48), nn.PReLU(48), conv(48, 48, 6, 1, 48, 0),
        nn.BatchNorm2d(48), conv(48, OUTPUTS, 1), nn.BatchNorm2d(OUTPUTS), nn.Flatten())


def resnet():
    return nn.Sequential(
        conv(3, 16, 7, 2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(3, 2, 1), BasicBlock(16, 16),
        BasicBlock(16, 24, 2, down(16, 24, 2)), Bottleneck(24, 8, 2, down(24, 32, 2)),
        Bottleneck(32, 8, groups=4, base_width=64, dilation=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(32, OUTPUTS))


def squeezenet():
    network = models.SqueezeNet("1_1", OUTPUTS)
    network.features = nn.Sequential(
        nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True), Fire(16, 8, 16, 16), Fire(32, 8, 16, 16),
        nn.MaxPool2d(3, 2, ceil_mode=True), Fire(32, 12, 24, 24))
    network.classifier[1] = nn.Conv2d(48, OUTPUTS, 1)
    return network


def regnet(se_ratio):
    return models.RegNet(BlockParams([1, 2], [16, 32], [8, 8], [1.0, 1.0], [2, 2], se_ratio), OUTPUTS, 8)


def mobile(inputs, kernel, wide, outputs, se, activation, stride):
    return InvertedResidualConfig(inputs, kernel, wide, outputs, se, activation, stride, 1, 1)


NETWORKS = {
    "iresnet": iresnet,
    "mobilefacenet": mobilefacenet,
    "resnet": resnet,
    "mobilenet_v2": lambda: models.MobileNetV2(
        OUTPUTS, 0.1, [[1, 80, 1, 1], [6, 80, 2, 2], [6, 120, 2, 2], [6, 160, 1, 1]]),
    "mobilenet_v3": lambda: models.MobileNetV3(
        [mobile(8, 3, 16, 8, True, "RE", 2), mobile(8, 3, 24, 8, False, "RE", 1), mobile(8, 5, 32, 16, True, "HS", 2),
         mobile(16, 5, 40, 16, True, "HS", 1)], 48, OUTPUTS),
    "shufflenet_v2": lambda: models.ShuffleNetV2([2, 2, 2], [8, 16, 24, 32, 48], OUTPUTS),
    "squeezenet": squeezenet,
    "densenet": lambda: models.DenseNet(4, (2, 2), 8, 2, num_classes=OUTPUTS),
    "regnet_x": lambda: regnet(None),
    "regnet_y": lambda: regnet(0.25),
    "efficientnet": lambda: models.EfficientNet(
        [MBConvConfig(1, 3, 1, 8, 8, 1), MBConvConfig(4, 5, 2, 8, 16, 2)], 0.2, num_classes=OUTPUTS, last_channel=48),
    "efficientnet_v2": lambda: models.EfficientNet(
        [FusedMBConvConfig(1, 3, 1, 8, 8, 1), FusedMBConvConfig(4, 3, 2, 8, 16, 1), MBConvConfig(4, 3, 2, 16, 16, 2)],
        0.2, num_classes=OUTPUTS, last_channel=48),
    "convnext": lambda: models.ConvNeXt([CNBlockConfig(16, 32, 1), CNBlockConfig(32, None, 1)], num_classes=OUTPUTS),
    "vit": lambda: models.VisionTransformer(SIZE_PX, 12, 2, 2, 32, 64, num_classes=OUTPUTS),
}


def scatter(network):
    """Makes no normalization the identity, and keeps activations in bounds."""
    for name, tensor in network.state_dict().items():
        if tensor.dim() > 1:
            nn.init.normal_(tensor, std=(2 / tensor[0].numel()) ** 0.5)
        elif name.endswith("running_var") or name.endswith("weight"):
            nn.init.uniform_(tensor, 0.5, 1.5)
        elif tensor.is_floating_point():
            nn.init.normal_(tensor, std=0.2)
    for module in network.modules():
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.1, 0.4)


def store_halves(file):
    model = onnx.load(file)
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == numpy.float32 and values.size >= HALF_FROM:
            half = tensor.name + ".half"
            casts.append(onnx.helper.make_node("Cast", [half], [tensor.name], to=onnx.TensorProto.FLOAT))
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(numpy.float16), half))
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, file)


torch.manual_seed(1)
smooth = nn.functional.interpolate(torch.rand(2, 3, 6, 6), SIZE_PX, mode="bicubic")
images = (2.5 * smooth - 1.25 + 0.3 * torch.randn(2, 3, SIZE_PX, SIZE_PX)).clamp(-1, 1)
images.numpy().tofile(os.path.join(FOLDER, "images.bin"))
for name, make in NETWORKS.items():
    network = make().eval()
    with torch.no_grad():
        scatter(network)
    file = os.path.join(FOLDER, name + ".onnx")
    torch.onnx.export(
        network, (images,), file, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
        opset_version=17, dynamo=False)
    store_halves(file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    rows = session.run(None, {"x": images.numpy()})[0].astype("float32")
    rows.tofile(os.path.join(FOLDER, name + ".bin"))
    cosine = (rows[0] * rows[1]).sum() / numpy.linalg.norm(rows[0]) / numpy.linalg.norm(rows[1])
    print(f"{name}: {os.path.getsize(file)} bytes, values up to {abs(rows).max():.3f}, cosine of both {cosine:.3f}")
