package org.facerecognition.backbone;

import java.util.List;
import java.util.function.BiFunction;
import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.BatchNorm1dImpl;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.GradMode;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.MaxPool2dImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.PReLUImpl;
import org.bytedeco.pytorch.ReLUImpl;
import org.bytedeco.pytorch.Tensor;
import org.facerecognition.graph.GraphBuilder;
import org.facerecognition.graph.Value;

/** One step of a network: {@link #forward} computes it, {@link #describe} records it. */
interface Layer {
    /** Computes the layer's output, scoped; may overwrite {@code x}. */
    Tensor forward(Tensor x);

    /** Records forward's operations in evaluation mode, in the same order. */
    Value describe(GraphBuilder graph, Value x);

    /** Returns a layer that consists of these two functions. */
    static Layer of(UnaryOperator<Tensor> forward, BiFunction<GraphBuilder, Value, Value> description) {
        return new Layer() {
            @Override
            public Tensor forward(Tensor x) {
                return forward.apply(x);
            }

            @Override
            public Value describe(GraphBuilder graph, Value x) {
                return description.apply(graph, x);
            }
        };
    }

    /**
     * Returns a module as a layer. libtorch's modules have no common type with a forward function, so the types that
     * the architectures use are listed here.
     */
    static Layer of(Module module) {
        if (module instanceof Layer layer) {
            return layer;
        } else if (module instanceof Conv2dImpl conv) {
            return of(conv::forward, (graph, x) -> graph.convolution(conv, x));
        } else if (module instanceof BatchNorm2dImpl norm) {
            return of(x -> SynchronizedBatchNorm.forward(norm, x), (graph, x) -> graph.batchNorm(norm, x));
        } else if (module instanceof BatchNorm1dImpl norm) {
            return of(x -> SynchronizedBatchNorm.forward(norm, x), (graph, x) -> graph.batchNorm(norm, x));
        } else if (module instanceof LinearImpl linear) {
            return of(linear::forward, (graph, x) -> graph.linear(linear, x));
        } else if (module instanceof PReLUImpl prelu) {
            return of(prelu::forward, (graph, x) -> graph.prelu(prelu, x));
        } else if (module instanceof ReLUImpl relu) {
            return of(relu::forward, GraphBuilder::relu);
        } else if (module instanceof MaxPool2dImpl pool) {
            return of(pool::forward, (graph, x) -> graph.maxPool(pool, x));
        }
        throw new IllegalArgumentException("module must be of a type that can be run and described, but was "
                + module.getClass().getSimpleName());
    }

    /** Returns the layers one after another as one layer. */
    static Layer chain(Layer... layers) {
        List<Layer> all = List.of(layers);
        return of(x -> run(all, x), (graph, x) -> {
            for (Layer layer : all) {
                x = layer.describe(graph, x);
            }
            return x;
        });
    }

    /**
     * Runs layers one after another. Without gradients, every tensor between two layers is closed once it was used, as
     * C++ and Python do; the caller's scope would keep those of the whole network.
     */
    static Tensor run(List<? extends Layer> layers, Tensor given) {
        Tensor x = given;
        Tensor owner = given; // of what x refers to: functions in place return a handle that owns nothing
        for (Layer layer : layers) {
            Tensor next = layer.forward(x);
            if (next.address() != x.address()) {
                if (owner != given && !GradMode.is_enabled()) {
                    owner.close();
                }
                owner = next;
            }
            x = next;
        }
        return x;
    }
}
