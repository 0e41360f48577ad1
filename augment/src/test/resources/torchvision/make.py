"""Writes the golden files in this folder: the results of torchvision's tensor kernels for six small images.

    python3 make.py          (torch 1.13, torchvision 0.14, opencv for writing PNG)

Each NAME.png is a column of tiles of equal size: the image itself, then the result of each line of operations.txt.
"""

import os

import cv2
import numpy
import torch
import torchvision.transforms.functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import _apply_op

HERE = os.path.dirname(os.path.abspath(__file__))

OPERATIONS = [
    ("grayscale",),
    ("brightness", 0.0), ("brightness", 0.5), ("brightness", 1.0), ("brightness", 1.37),
    ("contrast", 0.0), ("contrast", 0.6), ("contrast", 1.5),
    ("saturation", 0.0), ("saturation", 0.4), ("saturation", 1.8),
    ("hue", -0.5), ("hue", -0.3), ("hue", -0.01), ("hue", 0.0), ("hue", 0.12), ("hue", 0.3), ("hue", 0.5),
    ("posterize", 0), ("posterize", 1), ("posterize", 2), ("posterize", 5), ("posterize", 8),
    ("equalize",),
    ("hflip",),
    ("blur", 5, 9, 0.1), ("blur", 5, 9, 0.8), ("blur", 5, 9, 5.0), ("blur", 3, 1, 1.5),
    ("solarize", 0.0), ("solarize", 100.0), ("solarize", 200.5), ("invert",), ("autocontrast",), ("gamma", 0.6), ("gamma", 1.8),
    ("sharpness", 0.0), ("sharpness", 0.7), ("sharpness", 2.5), ("erase", 9, 99, 199),
    ("rotate", 30.0, "nearest"), ("rotate", -7.5, "bilinear"), ("rotate", 90.0, "nearest"),
    ("affine", 20.0, 3, -2, 1.2, 10.0, -5.0, "nearest"), ("affine", -45.0, 0, 4, 0.8, 0.0, 15.0, "bilinear"),
    ("ShearX", 0.25), ("ShearY", -0.3), ("TranslateX", 4.7), ("TranslateY", -3.2), ("Rotate", 11.0),
    ("Brightness", 0.3), ("Color", -0.6), ("Contrast", 0.45), ("Sharpness", 0.9), ("Posterize", 3.0), ("Solarize", 127.5),
]


def gradient(h, w):
    y, x = numpy.mgrid[0:h, 0:w]
    return numpy.stack([255 * x // max(1, w - 1), 255 * y // max(1, h - 1), 255 * (x + y) // max(1, w + h - 2)], -1)


def noise(h, w):
    return numpy.random.RandomState(1).randint(0, 256, (h, w, 3))


def flat(h, w):
    return numpy.full((h, w, 3), (200, 31, 0))


def photograph(h, w):
    """Soft blobs of skin, cloth and sky with a little noise: a histogram and edges like those of a photograph."""
    random = numpy.random.RandomState(2)
    y, x = numpy.mgrid[0:h, 0:w] / max(h, w)
    image = numpy.full((h, w, 3), (90.0, 120.0, 160.0))
    for color, cx, cy, r in [((60, 40, 35), .5, .35, .36), ((214, 160, 130), .5, .5, .27), ((150, 40, 50), .5, .95, .3)]:
        mask = 1 / (1 + numpy.exp((numpy.hypot(x - cx, y - cy) - r) * 60))
        image += mask[..., None] * (numpy.array(color) - image)
    return numpy.clip(image * (0.6 + 0.6 * x[..., None]) + random.normal(0, 4, (h, w, 3)), 0, 255)


IMAGES = {
    "gradient": gradient(24, 32),
    "noise": noise(31, 29),
    "flat": flat(16, 16),
    "photograph": photograph(64, 48),
    "row": noise(16, 7) // 3 + 80,
    "dot": numpy.array([[[13, 200, 77]]]),
}


def run(operation, x):
    name, *numbers = operation
    if name == "grayscale":
        return F.rgb_to_grayscale(x, 3)
    if name == "posterize":
        return F.posterize(x, numbers[0])
    if name in ("equalize", "hflip"):
        return getattr(F, name)(x)
    if name == "blur":
        width, height, sigma = numbers
        if x.shape[-1] <= width // 2 or x.shape[-2] <= height // 2:
            return x  # torch cannot reflect by more than the image; the test skips these
        return F.gaussian_blur(x, [width, height], [sigma, sigma])
    if name in ("solarize", "invert", "autocontrast"):
        return getattr(F, name)(x, *numbers)
    if name == "erase":
        h, w = x.shape[-2:]
        return F.erase(x, h // 4, w // 3, h // 2, w // 3, torch.tensor(numbers, dtype=torch.uint8)[:, None, None])
    if name == "rotate":
        return F.rotate(x, numbers[0], InterpolationMode(numbers[1]))
    if name == "affine":
        angle, dx, dy, scale, shear_x, shear_y, way = numbers
        return F.affine(x, angle, [dx, dy], scale, [shear_x, shear_y], InterpolationMode(way))
    if name[0].isupper():
        return _apply_op(x, name, numbers[0], InterpolationMode.NEAREST, None)
    return getattr(F, "adjust_" + name)(x, numbers[0])


with open(os.path.join(HERE, "operations.txt"), "w") as lines:
    lines.writelines(" ".join(map(str, operation)) + "\n" for operation in OPERATIONS)
for name, image in IMAGES.items():
    x = torch.from_numpy(image.astype(numpy.uint8)).permute(2, 0, 1).contiguous()
    tiles = [x] + [run(operation, x) for operation in OPERATIONS]
    column = torch.cat(tiles, 1).permute(1, 2, 0).numpy()
    cv2.imwrite(os.path.join(HERE, name + ".png"), cv2.cvtColor(column, cv2.COLOR_RGB2BGR))
