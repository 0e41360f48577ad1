"""Writes the weights files beside it, in the forms that training scripts save, and sums.json with their tensors' sums.

    python3 make.py [OLD_CHECKPOINT]        (torch 1.13)

OLD_CHECKPOINT: another file in the old format to sum, which is not part of the project.
"""

import collections
import json
import os
import sys
import zipfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(0)


def path(name):
    return os.path.join(HERE, name)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.bn = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 2)


net = Net()
shared = torch.arange(12.0)
odd = collections.OrderedDict(
    transposed=torch.arange(6.0).reshape(2, 3).t(),
    channels_last=torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
    first=shared[:4],
    second=shared[4:].reshape(2, 4),
    scalar=torch.tensor(2.5),
    none=torch.zeros(0, 3),
    half=torch.randn(5).half(),
    bfloat=torch.randn(5).bfloat16(),
    double=torch.randn(5).double(),
    long=torch.tensor([1, -(2**40)]),
    int=torch.tensor([7], dtype=torch.int32),
    short=torch.tensor([-7], dtype=torch.int16),
    char=torch.tensor([-8], dtype=torch.int8),
    byte=torch.tensor([200], dtype=torch.uint8),
    bool=torch.tensor([True, False]),
    parameter=torch.nn.Parameter(torch.randn(3)),
)
files = {
    "zip.pth": net.state_dict(),
    "parallel.pth": torch.nn.DataParallel(net).state_dict(),
    "odd.pth": odd,
    "nested.pth": {"epoch": 3, "best": 0.5, "name": "x", "state_dict": net.state_dict(), "lr": [1, 2.0, None, True]},
    "twice.pth": {"model": {"state_dict": dict(net.state_dict())}},
}
for name, value in files.items():
    torch.save(value, path(name))
torch.save(net.state_dict(), path("old.pth"), _use_new_zipfile_serialization=False)
torch.save(odd, path("odd-old.pth"), _use_new_zipfile_serialization=False)


class Evil:
    def __reduce__(self):
        return os.system, ("touch /tmp/face-recognition-was-here",)


torch.save({"weight": torch.zeros(2), "evil": Evil()}, path("evil.pth"))
torch.save({"weight": torch.zeros(2), "evil": Evil()}, path("evil-old.pth"), _use_new_zipfile_serialization=False)
torch.save(net, path("whole-model.pth"))
torch.save({"optimizer": [1, 2]}, path("no-weights.pth"))
torch.save({"weight": torch.tensor([1.0, float("nan")])}, path("nan.pth"))
with zipfile.ZipFile(path("zip.pth")) as source, zipfile.ZipFile(path("compressed.pth"), "w", zipfile.ZIP_DEFLATED) as target:
    for entry in source.namelist():
        target.writestr(entry, source.read(entry))


def sums(state):
    return {n: [list(t.shape), t.double().sum().item()] for n, t in state.items()}


result = {"zip.pth": sums(net.state_dict()), "odd.pth": sums(odd)}
if len(sys.argv) > 1:
    old = torch.load(sys.argv[1], map_location="cpu")["state_dict"]
    result["old checkpoint"] = {n[len("module."):]: v for n, v in sums(old).items()}
with open(path("sums.json"), "w") as file:
    json.dump(result, file, indent=1)
    file.write("\n")
