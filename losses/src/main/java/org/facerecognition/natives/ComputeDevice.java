package org.facerecognition.natives;

import org.bytedeco.pytorch.Context;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.global.torch;

/** The device that tensors are computed on. */
public enum ComputeDevice {
    /** The first GPU if one is usable, otherwise the CPU. */
    AUTO,
    /** The CPU. */
    CPU,
    /** The first NVIDIA GPU. */
    CUDA;

    /**
     * Returns the device as an object of libtorch.
     *
     * @return owned
     * @throws IllegalStateException if this is {@link #CUDA} and no GPU is usable, with the reason of {@link
     *     #whyNoGpu}; or if libtorch cannot be loaded, see {@link Libtorch#load}
     */
    public Device resolve() {
        return resolve(0);
    }

    /**
     * Returns the device for one of several processes of this machine, which share the GPUs out among them, and makes
     * it the current GPU of this thread.
     *
     * @param process number of the process on this machine, from 0
     * @return owned
     * @throws IllegalStateException as {@link #resolve()}
     */
    public Device resolve(int process) {
        Libtorch.load();
        boolean gpu = this != CPU && torch.cuda_is_available();
        if (this == CUDA && !gpu) {
            throw new IllegalStateException("device cuda is not usable: " + whyNoGpu() + ", or use device auto or cpu");
        }
        if (!gpu) {
            return new Device("cpu");
        }
        Device device = new Device("cuda:" + process % torch.cuda_device_count());
        torch.getDeviceGuardImpl(device.type()).setDevice(device); // else what asks for the current one opens the first
        return device;
    }

    /**
     * Returns a clause for messages that says what is missing for using a GPU and what to do about it. It is meaningful
     * only if no GPU is usable.
     *
     * @throws IllegalStateException if libtorch cannot be loaded, see {@link Libtorch#load}
     */
    public static String whyNoGpu() {
        Libtorch.load();
        return Context.hasCUDART()
                ? "libtorch's GPU natives are there, but no NVIDIA GPU or no driver of version 580 or later; check"
                        + " what nvidia-smi says"
                : "libtorch's natives are those for the CPU; build with mvn -Pgpu (see \"GPU\" in core/README.md)";
    }
}
