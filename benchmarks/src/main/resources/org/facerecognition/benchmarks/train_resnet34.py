"""The Python contestant of the training benchmark: torchvision's ResNet-34, an ArcFace head and AdamW.

Arguments: the device, the number of images in a batch, and fp32 or bf16. Prints "ready VERSION", then reads lines with
a number of steps and answers each with images per second.
"""
import math
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

device, batch, bf16 = torch.device(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "bf16"
size, classes, dim, s, m = 112, 500, 512, 5.0, 0.1
torch.manual_seed(0)
net = torchvision.models.resnet34()
net.fc = torch.nn.Linear(512, dim)
net = net.to(device, memory_format=torch.channels_last)
centers = torch.nn.Parameter((torch.randn(classes, dim) * 0.01).to(device))
optimizer = torch.optim.AdamW([*net.parameters(), centers], lr=3e-4, weight_decay=0.01)
images = torch.rand(batch, 3, size, size).mul_(2).sub_(1).to(device, memory_format=torch.channels_last)
labels = torch.randint(classes, (batch,)).to(device)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        embeddings = net(images)
    cosines = F.linear(F.normalize(embeddings.float()), F.normalize(centers))
    target = cosines.gather(1, labels[:, None])
    phi = target * math.cos(m) - (1 - target * target).clamp(min=1e-7).sqrt() * math.sin(m)
    loss = F.cross_entropy(cosines.scatter(1, labels[:, None], phi) * s, labels)
    loss.backward()
    optimizer.step()
    return loss.item()


print(f"ready {torch.__version__}", flush=True)
for line in sys.stdin:
    steps = int(line)
    start = time.perf_counter()
    for _ in range(steps):
        step()
    print(steps * batch / (time.perf_counter() - start), flush=True)
