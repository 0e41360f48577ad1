"""Writes the golden files beside it: numbers of torch.optim and torchvision that the tests compare with.

    python3 make.py          (torch 1.13, torchvision 0.14)
"""

import json
import math
import os
import warnings

import torch
import torchvision
from torch.optim import lr_scheduler as S

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.simplefilter("ignore")


def write(name, value):
    with open(os.path.join(HERE, name), "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def rates(scheduler, steps=40, base=0.3):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base)
    schedule = scheduler(optimizer)
    result = []
    for _ in range(steps):
        result.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return result


def warm(optimizer):
    return S.SequentialLR(
        optimizer,
        [S.LinearLR(optimizer, start_factor=0.1, total_iters=5), S.CosineAnnealingLR(optimizer, 20, 0.01)],
        [5],
    )


write("schedules.json", {
    "cosineWarmRestarts 3 1 3e-5": rates(lambda o: S.CosineAnnealingWarmRestarts(o, 3, 1, 3e-5)),
    "cosineWarmRestarts 4 2 0.01": rates(lambda o: S.CosineAnnealingWarmRestarts(o, 4, 2, 0.01)),
    "cosine 20 0.01": rates(lambda o: S.CosineAnnealingLR(o, 20, 0.01)),
    "step 7 0.1": rates(lambda o: S.StepLR(o, 7, 0.1)),
    "multiStep 3,3,11,30 0.5": rates(lambda o: S.MultiStepLR(o, [3, 3, 11, 30], 0.5)),
    "polynomial 30 2": rates(lambda o: S.PolynomialLR(o, 30, 2)),
    "polynomial 30 0.9": rates(lambda o: S.PolynomialLR(o, 30, 0.9)),
    "warmup 5 0.1 then cosine 20 0.01": rates(warm, 25),
})


def gradient(size, step):
    return torch.tensor([math.sin(1.3 * i + step) * (i + 1) for i in range(size)])


def run(make):
    """Ten steps on two parameters, rates falling; the second has no gradient in steps 0, 1 and 5."""
    a = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    b = torch.tensor([[1.0, -0.25], [0.0, 3.0]], requires_grad=True)
    optimizer = make([{"params": [a]}, {"params": [b]}])
    result = []
    for step in range(10):
        a.grad = gradient(3, step)
        b.grad = None if step in (0, 1, 5) else gradient(4, step).reshape(2, 2)
        for group, factor in zip(optimizer.param_groups, (1, 10)):
            group["lr"] = factor * 0.05 / (step + 1)
        optimizer.step()
        result.append(a.tolist() + b.flatten().tolist())
    return result


O = torch.optim
write("optimizers.json", {
    "adam 0": run(lambda p: O.Adam(p)),
    "adam 0.1": run(lambda p: O.Adam(p, weight_decay=0.1)),
    "adamw 0.01": run(lambda p: O.AdamW(p, weight_decay=0.01)),
    "adamw 1": run(lambda p: O.AdamW(p, weight_decay=1)),
    "sgd 0 0 false": run(lambda p: O.SGD(p, lr=1)),
    "sgd 0.9 0.05 false": run(lambda p: O.SGD(p, lr=1, momentum=0.9, weight_decay=0.05)),
    "sgd 0.9 0.05 true": run(lambda p: O.SGD(p, lr=1, momentum=0.9, weight_decay=0.05, nesterov=True)),
})


def resnet(name, last):
    """torchvision's net with a replaced last layer, everything drawn from seed 7, and what it makes of two images.

    Drawn in float32, computed in float64: in training mode a new ResNet-50 makes three digits of float32's rounding.
    """
    torch.manual_seed(7)
    net = getattr(torchvision.models, name)()
    if last == 1:
        net.fc = torch.nn.Linear(net.fc.in_features, 32)
    else:
        net.fc = torch.nn.Sequential(torch.nn.Linear(net.fc.in_features, 48), torch.nn.Linear(48, 32))
    images = torch.rand(2, 3, 96, 80).double()
    net.double().eval()
    with torch.no_grad():
        output = net(images)
    net.train()
    batch = net(images)
    batch.square().mean().backward()
    return {
        "output": output.flatten().tolist(),
        "output in training": batch.flatten().tolist(),
        "gradient of conv1.weight": net.conv1.weight.grad.flatten()[:20].tolist(),
        "running_var of bn1": net.bn1.running_var.tolist(),
        "shapes": {n: list(t.shape) for n, t in net.state_dict().items()},
        "parameters": [n for n, _ in net.named_parameters()],
        "children": [n for n, _ in net.named_children()],
    }


def formula(net):
    """Sets every parameter and buffer by its place in the state dict and each value's place in it."""
    for t, (name, tensor) in enumerate(net.state_dict().items()):
        if not tensor.is_floating_point():
            continue
        wave = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) * 1.7 + t).reshape(tensor.shape)
        if tensor.dim() > 1:
            wave *= (2.0 / tensor[0].numel()) ** 0.5  # so that activations neither die nor explode
        elif name.endswith("running_var") or name.endswith("weight"):
            wave = 1 + 0.3 * wave
        else:
            wave *= 0.1
        tensor.copy_(wave)


def small_faces(net):
    """Without the first stride and pooling."""
    (net.conv1 if hasattr(net, "conv1") else net.features[0][0]).stride = (1, 1)
    if hasattr(net, "maxpool"):
        net.maxpool = torch.nn.Identity()
    return net


class FaceBlock(torch.nn.Module):
    """ArcFace's residual unit: BN, convolution, BN, PReLU, convolution with the stride, BN; no activation after the sum."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        nn = torch.nn
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, width, 3, 1, 1, bias=False)
        self.bn2, self.prelu = nn.BatchNorm2d(width), nn.PReLU(width)
        self.conv2, self.bn3 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + shortcut


class FaceNet(torch.nn.Module):
    """The net of ArcFace's section 3.1 (E-type output) under insightface's names, for input of 64 pixels."""

    def __init__(self, depths):
        super().__init__()
        nn = torch.nn
        self.conv1, self.bn1, self.prelu = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.PReLU(64)
        inputs = 64
        for i, (width, depth) in enumerate(zip((64, 128, 256, 512), depths)):
            blocks = [FaceBlock(inputs if j == 0 else width, width, 2 if j == 0 else 1) for j in range(depth)]
            setattr(self, "layer%d" % (i + 1), nn.Sequential(*blocks))
            inputs = width
        self.bn2, self.fc, self.features = nn.BatchNorm2d(512), nn.Linear(512 * 4 * 4, 512), nn.BatchNorm1d(512)
        self.features.weight.requires_grad = False  # the paper's lengths mean nothing

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.bn2(self.layer4(self.layer3(self.layer2(self.layer1(x)))))
        return self.features(self.fc(x.flatten(1)))


def by_formula(net):
    """What a net whose weights are a formula makes of images that are one, in evaluation, and its gradients."""
    net = net.double().eval()
    with torch.no_grad():
        formula(net)
    images = torch.sin(torch.arange(2 * 3 * 64 * 64, dtype=torch.float64) * 0.37).reshape(2, 3, 64, 64)
    output = net(images)
    output.square().mean().backward()
    named = {n: p for n, p in net.named_parameters() if p.requires_grad}
    first, last = list(named)[0], list(named)[-2]
    return {
        "output": output[:, :40].flatten().tolist(),
        "gradients": {n: named[n].grad.flatten()[:20].tolist() for n in [first, last]},
        "names": list(net.state_dict()),
    }


TORCHVISION = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "efficientnet_b0", "efficientnet_v2_m"]
SMALL_FACES = ["resnet18", "resnet50", "efficientnet_b0"]
FACE_NETS = {"iresnet18": (2, 2, 2, 2), "iresnet50": (3, 4, 14, 3)}
write("formula.json", {
    **{name: by_formula(getattr(torchvision.models, name)()) for name in TORCHVISION},
    **{name + " small": by_formula(small_faces(getattr(torchvision.models, name)())) for name in SMALL_FACES},
    **{name: by_formula(FaceNet(depths)) for name, depths in FACE_NETS.items()},
})


def fresh(name):
    """A net as torchvision initialises it from seed 5: sums over its tensors, so that the draws can be compared."""
    torch.manual_seed(5)
    return {n: [t.double().sum().item(), t.double().square().sum().item()]
            for n, t in getattr(torchvision.models, name)().named_parameters()}


write("fresh.json", {name: fresh(name) for name in ["efficientnet_b0", "efficientnet_v2_m", "resnet101"]})


def expected(name):
    """What torchvision's own tests expect: everything drawn from seed 0, 50 classes."""
    torch.manual_seed(0)
    net = getattr(torchvision.models, name)(num_classes=50).eval()
    with torch.no_grad():
        return net(torch.rand(1, 3, 224, 224)).flatten().tolist()


write("expect.json", {name: expected(name) for name in ["resnet18", "resnet34", "resnet50"]})
write("resnet.json", {
    name + " " + str(last): resnet(name, last)
    for name, last in [("resnet18", 1), ("resnet34", 1), ("resnet34", 2), ("resnet50", 1)]
})
