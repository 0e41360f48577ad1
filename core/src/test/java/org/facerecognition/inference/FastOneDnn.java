package org.facerecognition.inference;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** For tests of other packages that need an engine of oneDNN. */
public final class FastOneDnn {
    private FastOneDnn() {}

    /** Skips a test on a processor whose networks are left to others. */
    public static void assume() {
        assumeTrue(OneDnn.isFast(), "oneDNN has no fast code for this processor");
    }
}
