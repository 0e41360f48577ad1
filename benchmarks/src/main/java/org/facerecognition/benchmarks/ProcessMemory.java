package org.facerecognition.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** How much memory this process has and had, in MiB. Linux only. */
final class ProcessMemory {
    private ProcessMemory() {}

    /** Has the peak start from here. */
    static void forgetPeak() throws IOException {
        Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    }

    /** Now. */
    static double now() throws IOException {
        return mebibytes("VmRSS");
    }

    /** At most, since {@link #forgetPeak}. */
    static double peak() throws IOException {
        return mebibytes("VmHWM");
    }

    private static double mebibytes(String field) throws IOException {
        try (var lines = Files.lines(Path.of("/proc/self/status"))) {
            String line =
                    lines.filter(text -> text.startsWith(field)).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0; // from kB
        }
    }
}
