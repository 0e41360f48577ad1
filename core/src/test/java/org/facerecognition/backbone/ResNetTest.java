package org.facerecognition.backbone;

import org.bytedeco.pytorch.*;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class ResNetTest {
    @Test
    void smoke() {
        torch.manual_seed(0);
        ResNet net = ResNet.resnet18(50);
        net.eval();
        Tensor x = torch.rand(1, 3, 224, 224);
        Tensor y = net.forward(x);
        for (int i = 0; i < 8; i++)
            System.out.println(y.select(0, 0).select(0, i).item_float());
        System.out.println(net.named_children().keys().size() + " "
                + net.named_parameters().keys().get(0).getString());
    }
}
