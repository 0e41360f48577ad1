package org.facerecognition;

import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;
import org.facerecognition.natives.Libtorch;

/** Where the arithmetic is done. */
public enum ComputeDevice {
    /** The first GPU where there is one, else the CPU. */
    AUTO,
    CPU,
    /** The first NVIDIA GPU. */
    CUDA;

    static {
        Libtorch.load();
    }

    /**
     * The device for libtorch; the caller closes it.
     *
     * @throws IllegalStateException when a GPU is asked for and there is none
     */
    Device resolve() {
        boolean gpu = this != CPU && torch.cuda_is_available();
        if (this == CUDA && !gpu) {
            throw new IllegalStateException("device cuda must have an NVIDIA GPU and libtorch's GPU natives, but none"
                    + " was found; use device auto or cpu, or see the README on running on a GPU");
        }
        return new Device(gpu ? "cuda:0" : "cpu");
    }
}
