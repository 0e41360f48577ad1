"""The Python contestant of the loading benchmark: the same files and the same six variants, in one worker process.

Prints "ready VERSION", then reads lines with a number of batches and answers each with images per second.
"""

import os
import sys
import time

import torch
import torchvision
import torchvision.transforms as T
from PIL import Image
from torch.utils.data import DataLoader, Dataset

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


class Faces(Dataset):
    def __len__(self):
        return 6 * len(files)

    def __getitem__(self, index):
        with Image.open(files[index % len(files)]) as image:
            face = image.convert("RGB").crop((45, 77, 128, 177)).resize((112, 112), Image.BILINEAR)
        return tensor(variants[index // len(files)](face))


def batches():
    loader = DataLoader(Faces(), batch_size=16, shuffle=True, num_workers=1, persistent_workers=True, drop_last=True)
    while True:
        yield from loader


torch.manual_seed(0)
torch.set_num_threads(1)
stream = batches()
print("ready", torchvision.__version__, flush=True)
for line in sys.stdin:
    count = int(line)
    start = time.perf_counter()
    for _ in range(count):
        next(stream)
    print(16 * count / (time.perf_counter() - start), flush=True)
