"""The Python contestant of the loading benchmark: the same files and the same six variants, in one thread.

Prints "ready VERSION", then reads lines with a number of batches and answers each with images per second.
"""

import os
import sys
import time

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image

torch.set_num_threads(1)
folder = os.path.join(sys.argv[1], "celebA_imgs")
files = [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
variants = [
    torch.nn.Identity(),
    T.Grayscale(3),
    T.ColorJitter(brightness=0.5, hue=0.3),
    T.GaussianBlur(kernel_size=(5, 9), sigma=(0.1, 5.0)),
    T.RandomPosterize(bits=2),
    T.RandomEqualize(),
]
tensor = T.Compose([T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
order = torch.randperm(6 * len(files), generator=torch.Generator().manual_seed(0)).tolist()
next_sample = 0


def sample():
    global next_sample
    index = order[next_sample % len(order)]
    next_sample += 1
    with Image.open(files[index % len(files)]) as image:
        face = image.convert("RGB").crop((45, 77, 128, 177)).resize((112, 112), Image.BILINEAR)
    return tensor(variants[index // len(files)](face))


print("ready", torchvision.__version__, flush=True)
for line in sys.stdin:
    batches = int(line)
    start = time.perf_counter()
    for _ in range(batches):
        torch.stack([sample() for _ in range(16)])
    print(16 * batches / (time.perf_counter() - start), flush=True)
