"""The Python contestant of the benchmark that reads weights.

    python3 read_resnet34.py write FILE    writes a randomly initialized ResNet-34 of torchvision; prints the version
    python3 read_resnet34.py read FILE     reads it into a network; prints seconds and the peak memory increase in MiB
"""

import resource
import sys
import time

import torch
import torchvision

net = torchvision.models.resnet34()
if sys.argv[1] == "write":
    torch.save(net.state_dict(), sys.argv[2])
    print(torch.__version__)
    sys.exit()


def memory(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")  # resets the peak
before = memory("VmRSS")
start = time.perf_counter()
net.load_state_dict(torch.load(sys.argv[2]))
print(time.perf_counter() - start, memory("VmHWM") - before)
