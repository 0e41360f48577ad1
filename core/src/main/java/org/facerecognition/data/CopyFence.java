package org.facerecognition.data;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceGuardImplInterface;
import org.bytedeco.pytorch.Stream;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.EventFlag;

/**
 * Prevents writes to host memory while a device still copies from it: an event in the device's stream, recorded after
 * the copies and awaited before the next write. Thread-safe.
 */
final class CopyFence implements AutoCloseable {
    private final Device device;
    private final DeviceGuardImplInterface guard;
    private final PointerPointer<Pointer> event = new PointerPointer<>(1).retainReference();
    private byte index; // of the event's device; the device itself may be "cuda" without an index
    private boolean recorded;

    /** @param device a GPU; borrowed */
    CopyFence(Device device) {
        this.device = device;
        this.guard = torch.getDeviceGuardImpl(device.type());
        event.put(0, null);
    }

    /** Makes the next {@link #await} wait for the copies that this thread has started. */
    synchronized void record() {
        try (PointerScope scope = new PointerScope();
                Stream stream = guard.getStream(device)) {
            index = stream.device_index();
            guard.record(event, stream, index, EventFlag.PYTORCH_DEFAULT);
            recorded = true;
        }
    }

    /** Waits until the recorded copies are done; returns immediately when none were recorded since the last call. */
    synchronized void await() {
        if (recorded) {
            guard.synchronizeEvent(event.get(0));
            recorded = false;
        }
    }

    @Override
    public synchronized void close() {
        await();
        Pointer created = event.get(0);
        if (created != null && !created.isNull()) {
            guard.destroyEvent(created, index);
        }
        event.close();
    }
}
