package org.facerecognition.inference;

import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.facerecognition.natives.NativeLibraries;
import org.facerecognition.natives.OpenMp;
import org.facerecognition.natives.Processors;

/**
 * Loads the native libraries that the first embedding needs in a thread of its own, while a model's file is read and
 * its plan is made: JavaCPP's search for its libraries on the class path takes longer than either.
 */
public final class LibrariesAhead {
    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    private LibrariesAhead() {}

    /**
     * Begins to load oneDNN, OpenMP and OpenCV, once in a process. Whoever needs one of them earlier waits for it.
     *
     * @throws IllegalArgumentException if the property {@value Processors#PROPERTY} is not a whole number of at least 1
     */
    public static void begin() {
        Processors.count(); // a wrong setting is said each time, and not as a fault of the model
        NativeLibraries.load();
        if (!BEGUN.getAndSet(true)) {
            Thread thread = new Thread(null, LibrariesAhead::load, "face-libraries", 0, false);
            thread.setDaemon(true);
            try {
                thread.start();
            } catch (OutOfMemoryError e) {
                // no thread can be started: whoever needs a library loads it
            }
        }
    }

    private static void load() {
        try {
            if (OneDnn.available(ScalarType.Float)) {
                OpenMp.alone().close();
            }
            NativeLibraries.load(opencv_imgproc.class, "OpenCV");
        } catch (IllegalStateException | LinkageError e) {
            // whoever needs the library fails in the same way, and says so
        }
    }
}
