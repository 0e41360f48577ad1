package org.facerecognition.natives;

import org.bytedeco.pytorch.global.torch_nccl;

/**
 * libtorch's NCCL, through which processes that compute on GPUs exchange tensors. It is part of libtorch's GPU natives,
 * and JavaCPP also needs its own CUDA bindings to load it.
 */
public final class Nccl {
    private static final String BLOCKING_WAIT = "TORCH_NCCL_BLOCKING_WAIT";

    private Nccl() {}

    /**
     * Loads it, and has waiting for another process end with an exception when that process fails or does not come in
     * time: by default libtorch ends the whole program then. {@code TORCH_NCCL_BLOCKING_WAIT} in the environment is
     * respected.
     *
     * @throws IllegalStateException if a library is missing; the message says what to do
     */
    public static void load() {
        try {
            NativeLibraries.load(torch_nccl.class, "libtorch's NCCL");
        } catch (TypeNotPresentException | IllegalStateException e) {
            throw new IllegalStateException(
                    "several processes that train on GPUs need NCCL 2, and org.bytedeco:cuda with its natives"
                            + " linux-x86_64 on the class path (see \"GPU\" in core/README.md): " + e.getMessage(),
                    e);
        }
        LibC.call("setenv", BLOCKING_WAIT, "1", 0); // read by each new group
    }
}
