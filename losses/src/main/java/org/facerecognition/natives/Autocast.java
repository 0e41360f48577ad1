package org.facerecognition.natives;

import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.DeviceType;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Automatic mixed precision for the current thread while open: libtorch runs convolutions and matrix products in the
 * low precision and keeps float32 for operations that need it. Use it in try-with-resources; close restores the
 * previous state.
 *
 * <p>Autocast is a state of the thread and of one kind of device: other threads and devices are not affected. Close it
 * on the thread that opened it.
 */
public final class Autocast implements AutoCloseable {
    private final DeviceType device;
    private final boolean available;
    private final boolean wasEnabled;
    private final @Nullable ScalarType formerType; // null if the device has no autocast

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
     * Opens a scope in which eligible operations run in bfloat16.
     *
     * @param device the kind of device whose operations are affected
     * @return owned by this thread, which closes it
     * @throws IllegalArgumentException if libtorch has no autocast for the device
     */
    public static Autocast bfloat16(DeviceType device) {
        if (!torch.is_autocast_available(device)) {
            throw new IllegalArgumentException(
                    "device must have autocast for bfloat16, but was " + device + "; train in float32 on it");
        }
        return new Autocast(device, true, ScalarType.BFloat16);
    }

    /**
     * Opens a scope in which operations keep the type of their inputs, even inside a scope that enables autocast. It
     * does nothing for a device without autocast.
     *
     * @param device the kind of device whose operations are affected
     * @return owned by this thread, which closes it
     */
    public static Autocast off(DeviceType device) {
        return new Autocast(device, false, null);
    }

    /** Restores the autocast state from before this scope. */
    @Override
    public void close() {
        if (!available) {
            return;
        }
        torch.set_autocast_enabled(device, wasEnabled);
        torch.set_autocast_dtype(device, formerType);
        if (!wasEnabled) {
            torch.clear_cache(); // weights that the scope cast to low precision are stale after a training step
        }
    }
}
