package org.facerecognition.natives;

import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;

/** Where the arithmetic is done. */
public enum ComputeDevice {
    /** The first GPU where there is one, else the CPU. */
    AUTO,
    CPU,
    /** The first NVIDIA GPU. */
    CUDA;

    /**
     * The device for libtorch; the caller closes it.
     *
     * @throws IllegalStateException when a GPU is asked for and there is none
     */
    public Device resolve() {
        Libtorch.load();
        boolean gpu = this != CPU && torch.cuda_is_available();
        if (this == CUDA && !gpu) {
            throw new IllegalStateException("device cuda is not usable: " + whyNoGpu() + ", or use device auto or cpu");
        }
        return new Device(gpu ? "cuda:0" : "cpu");
    }

    /** For a message, where no GPU can be used: what is missing and what to do about it. */
    public static String whyNoGpu() {
        Libtorch.load();
        return Context.hasCUDART()
                ? "libtorch's GPU natives are there, but no NVIDIA GPU or no driver of version 580 or later; check"
                        + " what nvidia-smi says"
                : "libtorch's natives are those for the CPU; build with mvn -Pgpu (see \"On a GPU\" in the README)";
    }
}
