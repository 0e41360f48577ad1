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
 * Keeps host memory from being written while a device still copies from it: an event in the device's stream of work,
 * recorded behind the copies and waited for before the next write. For any number of threads.
 */
final class CopyFence implements AutoCloseable {
    private final Device device;
    private final DeviceGuardImplInterface guard;
    private final PointerPointer<Pointer> event = new PointerPointer<>(1).retainReference();
    private byte index; // of the device that the event belongs to: what is asked for may be "cuda", which has none
    private boolean recorded;

    /** @param device a GPU; stays the caller's, who keeps it open */
    CopyFence(Device device) {
        this.device = device;
        this.guard = torch.getDeviceGuardImpl(device.type());
        event.put(0, null);
    }

    /** Copies that this thread has started are waited for by the next {@link #await}. */
    synchronized void record() {
        try (PointerScope scope = new PointerScope();
                Stream stream = guard.getStream(device)) {
            index = stream.device_index();
            guard.record(event, stream, index, EventFlag.PYTORCH_DEFAULT);
            recorded = true;
        }
    }

    /** Returns when the copies are done; at once when there were none since the last time. */
    synchronized void await() {
        if (recorded) {
            guard.synchronizeEvent(event.get(0));
            recorded = false;
        }
    }

    @Override
    public synchronized void close() {
        await();
        Pointer made = event.get(0);
        if (made != null && !made.isNull()) {
            guard.destroyEvent(made, index);
        }
        event.close();
    }
}
