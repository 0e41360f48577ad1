package org.facerecognition.losses;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Automatic mixed precision for the current thread while open: libtorch picks the low precision for convolutions and
 * matrix products and keeps float32 where it matters. Use in try-with-resources; the former state comes back on close.
 *
 * <p>Autocast state belongs to a thread: a scope opened on one thread says nothing to another.
 */
public final class Autocast implements AutoCloseable {
    private final DeviceType device;
    private final boolean wasEnabled;
    private final ScalarType formerType;

    private Autocast(DeviceType device, boolean enabled, ScalarType type) {
        this.device = device;
        this.wasEnabled = torch.is_autocast_enabled(device);
        this.formerType = torch.get_autocast_dtype(device);
        torch.set_autocast_enabled(device, enabled);
        torch.set_autocast_dtype(device, type);
    }

    /** Opens a scope in which eligible operations on {@code device} run in bfloat16. */
    public static Autocast bfloat16(DeviceType device) {
        return new Autocast(device, true, ScalarType.BFloat16);
    }

    /** Opens a scope in which operations keep the type of their inputs, whatever scope is around it. */
    public static Autocast off(DeviceType device) {
        return new Autocast(device, false, torch.get_autocast_dtype(device));
    }

    @Override
    public void close() {
        torch.set_autocast_enabled(device, wasEnabled);
        torch.set_autocast_dtype(device, formerType);
        if (!wasEnabled) {
            torch.clear_cache(); // the weights cast to low precision, kept for the scope, are stale after a step
        }
    }
}
