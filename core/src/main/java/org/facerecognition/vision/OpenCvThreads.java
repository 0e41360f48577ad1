package org.facerecognition.vision;

import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.opencv.global.opencv_core;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.Processors;

/**
 * Restricts OpenCV to one thread while several threads process images in parallel, and restores its number of threads
 * when the last of them is done: the number is global to the process.
 */
public final class OpenCvThreads {
    private static int users;
    private static int previous;

    private OpenCvThreads() {}

    /** A use of OpenCV with one thread; any thread may close it. */
    public static final class Scope implements AutoCloseable {
        private final AtomicBoolean closed = new AtomicBoolean();

        private Scope() {
            restrict();
        }

        /** Ends the use. Closing twice has no further effect. */
        @Override
        public void close() {
            if (!closed.getAndSet(true)) {
                release();
            }
        }
    }

    /**
     * Restricts OpenCV to one thread until the scope is closed.
     *
     * @throws IllegalStateException when OpenCV cannot be loaded
     */
    public static Scope one() {
        return new Scope();
    }

    /**
     * Loads OpenCV, and lowers the number of threads that it has chosen itself to {@link Processors#count}: it does not
     * know the bounds that a user gives. A number that the application has set stays. To be called before images are
     * read or changed; later calls cost less than a microsecond.
     *
     * @throws IllegalStateException when OpenCV cannot be loaded
     */
    public static synchronized void bound() {
        NativeLibraries.load(opencv_imgproc.class, "OpenCV"); // which images go through next
        int threads = opencv_core.getNumThreads();
        if (threads == opencv_core.getNumberOfCPUs() && threads > Processors.count()) {
            opencv_core.setNumThreads(Processors.count());
        }
    }

    private static synchronized void restrict() {
        NativeLibraries.load(opencv_imgproc.class, "OpenCV"); // which images go through next
        if (users == 0) {
            bound();
            previous = opencv_core.getNumThreads();
            opencv_core.setNumThreads(1);
        }
        users++;
    }

    private static synchronized void release() {
        if (--users == 0) {
            opencv_core.setNumThreads(previous);
        }
    }
}
