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


def by_formula(name):
    """What a net whose weights are a formula makes of images that are one, in evaluation, and its gradients."""
    net = getattr(torchvision.models, name)().double().eval()
    with torch.no_grad():
        formula(net)
    images = torch.sin(torch.arange(2 * 3 * 64 * 64, dtype=torch.float64) * 0.37).reshape(2, 3, 64, 64)
    output = net(images)
    output.square().mean().backward()
    named = dict(net.named_parameters())
    first, last = list(named)[0], list(named)[-2]
    return {
        "output": output[:, :40].flatten().tolist(),
        "gradients": {n: named[n].grad.flatten()[:20].tolist() for n in [first, last]},
        "names": list(net.state_dict()),
    }


write("formula.json", {
    name: by_formula(name)
    for name in ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "efficientnet_b0", "efficientnet_v2_m"]
})


def fresh(name):
    """A net as torchvision initialises it from seed 5: sums over its tensors, so that the draws can be compared."""
    torch.manual_seed(5)
    return {n: [t.double().sum().item(), t.double().square().sum().item()]
            for n, t in getattr(torchvision.models, name)().named_parameters() if t.dim() > 1}


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
