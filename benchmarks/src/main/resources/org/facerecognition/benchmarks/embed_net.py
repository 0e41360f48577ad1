"""Embeds random images with PyTorch.

    python3 embed_net.py NET FILE

FILE is the network in TorchScript, as a program would deploy it. If NET is resnet34, torchvision's own ResNet-34 in
channels_last is used instead, with random weights: as a program that trains would run it.
Prints "ready", its name and its resident memory in MiB, separated by tabs, once it has embedded a first image. Then
reads lines "BATCH STEPS" and answers each with the seconds it took.
"""
import sys
import time

import torch

net, file = sys.argv[1:3]
if net == "resnet34":
    import torchvision

    model = torchvision.models.resnet34()
    model.fc = torch.nn.Linear(512, 512)
    model = model.eval().to(memory_format=torch.channels_last)
    layout, kind = torch.channels_last, "eager, channels_last"
else:
    model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(file).eval()))
    layout, kind = torch.contiguous_format, "TorchScript, frozen and optimized"


def embed(batch, steps):
    x = torch.rand(batch, 3, 112, 112).to(memory_format=layout)
    start = time.perf_counter()
    with torch.inference_mode():
        for _ in range(steps):
            model(x)
    return time.perf_counter() - start


embed(1, 1)
resident = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(f"ready\tPython PyTorch {torch.__version__}, {kind}\t{int(resident.split()[1]) // 1024}", flush=True)
for line in sys.stdin:
    batch, steps = map(int, line.split())
    print(embed(batch, steps), flush=True)
