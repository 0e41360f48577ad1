"""Writes checkpoints beside it as training scripts save them: the weights of ../zip.pth among other things.

    python3 make.py        (torch 1.13, Python 3.11; torchscript-backbone.pt and -scaler.pt are of torch 2.14)
"""

import argparse
import collections
import datetime
import enum
import os
import pathlib
import zipfile

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
net = torch.load(os.path.join(HERE, "..", "zip.pth"))
torch.manual_seed(1)


def save(name, value, **options):
    torch.save(value, os.path.join(HERE, name), **options)


def prefixed(prefix, values=net):
    return collections.OrderedDict((prefix + name, value) for name, value in values.items())


class Color(enum.Enum):
    RED = 1


class Settings(dict):
    pass


class Tagged(torch.Tensor):
    pass


linear = torch.nn.Linear(3, 3)
adam = torch.optim.Adam(linear.parameters())
linear(torch.ones(1, 3)).sum().backward()
adam.step()
optimizer = adam.state_dict()
average = collections.OrderedDict((n, v * 0) for n, v in net.items())

save("tensor-beside.pth", {"best_acc1": torch.tensor(0.5), "loss": torch.tensor(1.0), "state_dict": net})
save("insightface.pt", {"epoch": 1, "state_dict_backbone": net, "state_dict_softmax_fc": {"weight": torch.ones(2, 2)}})
save("average-alone.pth", {"state_dict_ema": net, "best": torch.tensor(0.5)})
save("average-beside.ckpt", {"state_dict": {**prefixed("ema_model.", average), **prefixed("model.")}})
save("unknown-key.pth", {"my_net": net, "my_head": {"weight": torch.ones(2)}, "loss": torch.tensor(1.0)})
save("nested.pth", {"checkpoint": {"state_dict": {"model": {"net": net}, "step": torch.tensor(1)}}})
save("lightning.ckpt", {"state_dict": {**prefixed("model."), "head.kernel": torch.ones(2, 2)}})
save("compiled.pth", prefixed("_orig_mod.module."))
save("inside.pth", collections.OrderedDict((n.replace("bn.", "bn._orig_mod."), v) for n, v in net.items()))
save("student.pth", {"model": {**prefixed("student.backbone."), **prefixed("teacher.backbone.", average)}})
others = {
    "args": argparse.Namespace(lr=0.1, path=pathlib.Path("x")),
    "numpy": [np.float64(1.5), np.bool_(True), np.arange(3.0)],
    "python": [{1, 2}, frozenset([3]), 1 << 100, b"x", bytearray(b"y"), 1 + 2j, slice(1, 2), datetime.date(2020, 1, 1)],
    "torch": [torch.device("cuda:0"), torch.float16, torch.Size([1, 2]), torch.nn.functional.relu],
    "counts": collections.Counter("aab"),
    "keys": {Color.RED: 1, torch.float32: 2, (1, 2): 3, None: 4, 1.5: 5},
    "criterion": torch.nn.CrossEntropyLoss(),
    "complex": torch.ones(2, dtype=torch.complex64),
}
for protocol in (2, 4):
    for form, zipped in (("zip", True), ("old", False)):
        value = {**others, "state_dict": net, "optimizer": optimizer}
        save(f"others-{protocol}-{form}.ckpt", value, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
save("subclasses.pth", Settings(state_dict=collections.defaultdict(None, net)))
save("tagged.pth", {n: v.as_subclass(Tagged) if v.dim() else v for n, v in net.items()})
expanded = dict(net)
expanded["bn.running_var"] = torch.ones(1).expand(4)
save("expanded.pth", expanded)
save("quantized.pth", {**net, "conv.weight": torch.quantize_per_tensor(net["conv.weight"], 0.1, 0, torch.qint8)})
save("network-in-checkpoint.pth", {"model": torch.nn.Linear(2, 2), "optimizer": optimizer})
save("only-optimizer.pth", {"optimizer": optimizer})
torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)).save(os.path.join(HERE, "torchscript.pt"))


class Network(torch.nn.Module):
    """Modules in one another, as deep as those of an EfficientNet with a downsampling."""

    def __init__(self):
        super().__init__()
        linear = torch.nn.Linear(2, 2)
        linear.weight.data = torch.tensor([[1.0, 2], [3, 4]])
        self.layer1 = torch.nn.Sequential(torch.nn.Sequential())
        body = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Sequential(linear)))
        self.layer1[0].add_module("downsample", torch.nn.Sequential(torch.nn.Sequential()))
        self.layer1[0].downsample[0].add_module("body", body[0])

    def forward(self, x):
        return self.layer1(x)


script = torch.jit.script(Network().eval())
script.save(os.path.join(HERE, "torchscript-nested.pt"))
torch.jit.freeze(script).save(os.path.join(HERE, "torchscript-frozen.pt"))


class Parts(torch.nn.Module):
    """A module of a name under which checkpoints have weights, beside another one."""

    def __init__(self):
        super().__init__()
        self.backbone = torch.nn.Linear(2, 2)
        self.fc = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.fc(self.backbone(x))


torch.jit.script(Parts().eval()).save(os.path.join(HERE, "torchscript-backbone.pt"))


class Scaled(torch.nn.Module):
    """Modules of names that an optimizer's parts have in checkpoints."""

    def __init__(self):
        super().__init__()
        self.scaler = torch.nn.Linear(2, 2)
        self.scheduled = torch.nn.Sequential(torch.nn.Linear(2, 2))

    def forward(self, x):
        return self.scheduled(self.scaler(x))


torch.jit.script(Scaled().eval()).save(os.path.join(HERE, "torchscript-scaler.pt"))
with zipfile.ZipFile(os.path.join(HERE, "zipped.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
    archive.write(os.path.join(HERE, "only-optimizer.pth"), "weights/model.pth")
np.savez(os.path.join(HERE, "arrays.npz"), weight=np.ones(2))
