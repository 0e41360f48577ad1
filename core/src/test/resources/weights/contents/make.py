"""Writes checkpoints beside it with contents that few of them have, and code/config.py, which it removes afterwards.

    python3 make.py        (torch 2.14)
"""

import collections
import os
import shutil
import socket
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
a = torch.arange(6.0).reshape(2, 3)
b = a + 100


def save(name, value, **options):
    torch.save(value, os.path.join(HERE, name), **options)


complexes = torch.complex(a, a + 1)
negative = {
    "float": complexes.conj().imag,  # -1 to -6, as a view of every second value with the negative bit
    "column": complexes.conj().imag[:, 1],
    "dense": torch._neg_view(a),
    "int": torch._neg_view(torch.tensor([1, -2])),
    "none": torch._neg_view(torch.zeros(0, 3)),
    "positive": a,
}
save("negative.pth", negative)
save("negative-old.pth", negative, _use_new_zipfile_serialization=False)

save("same-name.pth", {"a": {"b.c": a}, "a.b": {"c": b}})
save("shared.pth", {"online": (shared := {"w": a}), "target": shared})
save("integer-keys.pth", {"layers": {0: {"w": a}, 1: {"w": b}, 2**70: {"w": a}}, "fc": b})
save("cycle.pth", (cycle := {"w": a}) and (cycle.update(itself={"again": cycle}) or cycle))
save("long-names.pth", {"x" * 99 + "a": {"w": a}, "x" * 99 + "b" * 300: {"w": b}})
save("longest-name.pth", {"x" * 600: {"y" * 600: {"w": a}}})


class Deep(torch.nn.Module):
    """Modules in one another whose joined names are long."""

    def __init__(self, levels):
        super().__init__()
        if levels:
            self.add_module(f"a_long_module_name_{levels}", Deep(levels - 1))
        self.fc = torch.nn.Linear(1, 1)

    def forward(self, x):
        return self.fc(x)


torch.jit.script(Deep(7)).save(os.path.join(HERE, "torchscript-deep.pt"))

weights = {"w": a}
save("frozenset.pth", {"state_dict": weights, "names": {frozenset({1, 2}): 3}}, pickle_protocol=4)
save("large-integer.pth", {"state_dict": weights, "seed": 2**3000, "by": {2**3000: 1}})
beside = {
    "float8": a.to(torch.float8_e4m3fn),
    "uint16": torch.zeros(2, dtype=torch.uint16),
    "complex": complexes,
    "sparse": a.to_sparse(),
    "meta": torch.empty(2, device="meta"),
}
save("unreadable.pth", {"w": a, "head": beside})
save("unreadable-alone.pth", {"state_dict": {"w": beside["float8"]}})

network = torch.nn.Linear(2, 2)
save("network-beside-a-number.pth", {"model": network, "best_fitness": torch.tensor(0.5)})
save("network-beside-weights.pth", {"model": network, "mine": weights})
for protocol in (2, 5):
    save(f"arrays-{protocol}.pth", {"w": np.arange(4.0), "b": np.arange(3.0)}, pickle_protocol=protocol)
values = {"file": os.stat_result(range(10)), "family": socket.AF_INET}
save("values.pth", {"state_dict": weights, **values})
parts = {"optimized_net": {"w": a}, "upscaler": {"w": b}, "lr_scheduler": {"w": a}, "grad_scaler": {"w": a}}
save("words.pth", {**parts, "optimizerG": {"w": a}, "GradScaler": {"w": a}, "optim": {"w": a}})
adam = torch.optim.Adam(network.parameters())
network(torch.ones(1, 2)).sum().backward()
adam.step()
save("optimizer.pth", adam.state_dict())

package = os.path.join(HERE, "code")
os.makedirs(package)
with open(os.path.join(package, "__init__.py"), "w"):
    pass
with open(os.path.join(package, "config.py"), "w") as file:
    file.write("class Config:\n    pass\n")
sys.path.insert(0, HERE)
sys.modules.pop("code", None)
import code.config  # noqa: E402

save("package-named-code.pth", {"state_dict": weights, "config": code.config.Config()})
shutil.rmtree(package)
