package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Resident memory of processes, and the peak of this one, in MiB; Linux only, except where a method says otherwise. */
final class ProcessMemory {
    private ProcessMemory() {}

    /** Lets the peak start again from the present value. */
    static void resetPeak() throws IOException {
        Files.writeString(Path.of("/proc/self/clear_refs"), "5");
    }

    /** Returns the present resident memory. */
    static double residentMib() throws IOException {
        return mebibytes("self", "VmRSS");
    }

    /** Returns the present resident memory of another process. */
    static double residentMib(long process) throws IOException {
        return mebibytes(Long.toString(process), "VmRSS");
    }

    /** Returns the present resident memory, or 0 if the operating system does not report it. */
    static int residentMibOrZero() {
        try {
            return (int) residentMib();
        } catch (IOException | UncheckedIOException e) {
            return 0;
        }
    }

    /** Returns the peak since {@link #resetPeak}. */
    static double peakMib() throws IOException {
        return mebibytes("self", "VmHWM");
    }

    private static double mebibytes(String process, String field) throws IOException {
        try (var lines = Files.lines(Path.of("/proc", process, "status"))) {
            String line =
                    lines.filter(text -> text.startsWith(field)).findFirst().orElseThrow();
            return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0; // the file has kB
        }
    }
}
