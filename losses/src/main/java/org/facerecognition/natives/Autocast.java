package org.facerecognition.natives;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Automatic mixed precision for the current thread while open: libtorch picks the low precision for convolutions and
 * matrix products and keeps float32 where it matters. Use in try-with-resources; the former state comes back on close.
 *
 * <p>Autocast state belongs to a thread: a scope opened on one thread says nothing to another.
 */
public final class Autocast implements AutoCloseable {
    private final DeviceType device;
    private final boolean available;
    private final boolean wasEnabled;
    private final @Nullable ScalarType formerType; // null where autocast is not available

    private Autocast(DeviceType device, boolean enabled, @Nullable ScalarType type) {
        this.device = device;
        this.available = torch.is_autocast_available(device);
        this.wasEnabled = available && torch.is_autocast_enabled(device);
        this.formerType = available ? torch.get_autocast_dtype(device) : null;
        if (available) {
            torch.set_autocast_enabled(device, enabled);
            torch.set_autocast_dtype(device, type == null ? formerType : type);
        }
    }

    /**
     * Opens a scope in which eligible operations on {@code device} run in bfloat16.
     *
     * @throws IllegalArgumentException when libtorch has no autocast for the device
     */
    public static Autocast bfloat16(DeviceType device) {
        if (!torch.is_autocast_available(device)) {
            throw new IllegalArgumentException(
                    "device must have autocast for bfloat16, but was " + device + "; train in float32 on it");
        }
        return new Autocast(device, true, ScalarType.BFloat16);
    }

    /**
     * Opens a scope in which operations keep the type of their inputs, whatever scope is around it. It does nothing for
     * a device that has no autocast.
     */
    public static Autocast off(DeviceType device) {
        return new Autocast(device, false, null);
    }

    @Override
    public void close() {
        if (!available) {
            return;
        }
        torch.set_autocast_enabled(device, wasEnabled);
        torch.set_autocast_dtype(device, formerType);
        if (!wasEnabled) {
            torch.clear_cache(); // the weights cast to low precision, kept for the scope, are stale after a step
        }
    }
}
