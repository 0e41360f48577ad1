"""Exports torchvision's networks with random weights as ONNX and runs them in ONNX Runtime.

python torchvision_models.py FOLDER: writes NAME.onnx, NAME.in and NAME.out (float32) for each network and prints its name
"""
import os
import sys
import warnings

import onnxruntime
import torch
import torchvision.models as models

warnings.filterwarnings("ignore")
try:
    import onnx  # noqa: F401
except ImportError:  # the exporter needs it only for functions of onnxscript, which these networks do not have
    from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
    onnx_proto_utils._add_onnxscript_fn = lambda model, functions: model
FOLDER = sys.argv[1]
SIZE_PX = 64
OUTPUTS = 16

NETWORKS = {
    "mobilenet_v2": lambda: models.mobilenet_v2(num_classes=OUTPUTS),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(num_classes=OUTPUTS),
    "mobilenet_v3_large": lambda: models.mobilenet_v3_large(num_classes=OUTPUTS),
    "mnasnet0_5": lambda: models.mnasnet0_5(num_classes=OUTPUTS),
    "shufflenet_v2_x0_5": lambda: models.shufflenet_v2_x0_5(num_classes=OUTPUTS),
    "squeezenet1_1": lambda: models.squeezenet1_1(num_classes=OUTPUTS),
    "densenet": lambda: models.DenseNet(8, (2, 3, 2, 2), 16, num_classes=OUTPUTS),
    "regnet_y_400mf": lambda: models.regnet_y_400mf(num_classes=OUTPUTS),
    "regnet_x_400mf": lambda: models.regnet_x_400mf(num_classes=OUTPUTS),
    "resnext": lambda: models.ResNet(models.resnet.Bottleneck, [1, 1, 1, 1], OUTPUTS, groups=8, width_per_group=4),
    "efficientnet_b0": lambda: models.efficientnet_b0(num_classes=OUTPUTS),
    "googlenet": lambda: models.googlenet(num_classes=OUTPUTS, aux_logits=False, init_weights=False),
    "convnext": lambda: models.ConvNeXt(
        [models.convnext.CNBlockConfig(16, 32, 1), models.convnext.CNBlockConfig(32, None, 1)], num_classes=OUTPUTS),
    "vit": lambda: models.VisionTransformer(SIZE_PX, 16, 2, 2, 32, 64, num_classes=OUTPUTS),
}


def scatter(network):
    """Makes no normalization the identity, and keeps activations in bounds."""
    for name, tensor in network.state_dict().items():
        if tensor.dim() > 1:
            torch.nn.init.normal_(tensor, std=(1.5 / tensor[0].numel()) ** 0.5)
        elif name.endswith("running_var") or name.endswith("weight"):
            torch.nn.init.uniform_(tensor, 0.5, 1.1)
        elif tensor.is_floating_point():
            torch.nn.init.normal_(tensor, std=0.1)


for name, make in NETWORKS.items():
    torch.manual_seed(1)
    network = make().eval()
    with torch.no_grad():
        scatter(network)
    images = torch.rand(2, 3, SIZE_PX, SIZE_PX) * 2 - 1
    file = os.path.join(FOLDER, name + ".onnx")
    torch.onnx.export(
        network, (images,), file, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}},
        opset_version=17, dynamo=False)
    expected = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": images.numpy()})[0]
    images.numpy().tofile(os.path.join(FOLDER, name + ".in"))
    expected.astype("float32").tofile(os.path.join(FOLDER, name + ".out"))
    print(name, flush=True)
