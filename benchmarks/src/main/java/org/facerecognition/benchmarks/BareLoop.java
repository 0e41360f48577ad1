package org.facerecognition.benchmarks;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.backbone.Backbone;
import org.facerecognition.backbone.Encoder;
import org.facerecognition.losses.ArcFaceMargin;
import org.facerecognition.losses.Head;
import org.facerecognition.losses.MarginSoftmax;
import org.facerecognition.natives.Autocast;
import org.facerecognition.natives.Precision;

/** The baseline of training: the same network and head in a minimal loop, with libtorch's AdamW and one batch. */
final class BareLoop implements Contestant {
    private final TrainingSetup setup;
    private final Precision precision;
    private final boolean channelsLast;
    private final Backbone net;
    private final Head head;
    private final AdamW optimizer;
    private final Tensor images; // [batch, 3, 112, 112]
    private final Tensor labels; // [batch]

    BareLoop(TrainingSetup setup, Precision precision, boolean channelsLast) {
        this.setup = setup;
        this.precision = precision;
        this.channelsLast = channelsLast;
        torch.manual_seed(0);
        this.net = Encoder.RESNET34.create("fc", List.of(512));
        this.head = new MarginSoftmax(500, 512, new ArcFaceMargin(5, 0.1));
        try (PointerScope scope = new PointerScope();
                Device device = setup.device().resolve()) {
            net.to(device, false);
            head.to(device, false);
            Tensor random = torch.rand(setup.batch(), 3, 112, 112)
                    .mul_(new Scalar(2.0))
                    .sub_(new Scalar(1.0))
                    .to(device, ScalarType.Float);
            if (channelsLast) {
                net.setChannelsLast(channelsLast);
                random = random.contiguous(MemoryFormat.ChannelsLast);
            }
            this.images = random.retainReference();
            this.labels = torch.arange(new Scalar(setup.batch()))
                    .to(device, ScalarType.Long)
                    .retainReference();
            TensorVector parameters = new TensorVector();
            for (TensorVector group : List.of(net.parameters(), head.parameters())) {
                for (long i = 0; i < group.size(); i++) {
                    parameters.push_back(group.get(i));
                }
            }
            AdamWOptions options = new AdamWOptions(3e-4);
            options.weight_decay().put(0.01);
            this.optimizer = new AdamW(parameters, options).retainReference();
        }
        net.train(true);
    }

    @Override
    public String name() {
        return (channelsLast ? "bare libtorch loop, channels_last, " : "bare libtorch loop, ")
                + TrainingSetup.name(precision);
    }

    @Override
    public double imagesPerSecond(int steps) {
        long start = System.nanoTime();
        for (int i = 0; i < steps; i++) {
            try (PointerScope scope = new PointerScope()) {
                optimizer.zero_grad(true);
                Tensor loss = head.forward(embed(), labels).loss();
                loss.backward();
                optimizer.step();
                loss.item_float();
            }
        }
        return steps * setup.batch() / ((System.nanoTime() - start) / 1e9);
    }

    private Tensor embed() {
        DeviceType type = images.device().type();
        try (Autocast autocast = precision == Precision.BF16 ? Autocast.bfloat16(type) : Autocast.off(type)) {
            return net.forward(images).to(ScalarType.Float);
        }
    }

    @Override
    public void close() {
        optimizer.close();
        images.close();
        labels.close();
        head.close();
        net.close();
    }
}
