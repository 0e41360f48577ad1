package org.facerecognition.benchmarks;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Programs that keep a processor busy each, until they are closed. */
final class Neighbors implements AutoCloseable {
    private final List<Process> processes = new ArrayList<>();

    Neighbors(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            Process process = new ProcessBuilder(Child.javaCommand(BusyLoop.class))
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            processes.add(process);
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
        }
    }

    /** @throws IllegalStateException when one of them ended before, so that what was measured is not beside all */
    @Override
    public void close() {
        List<Process> ended =
                processes.stream().filter(process -> !process.isAlive()).toList();
        processes.forEach(Process::destroy);
        if (!ended.isEmpty()) {
            throw new IllegalStateException("a busy loop ended with status "
                    + ended.get(0).exitValue() + " before the measurement did; measure again");
        }
    }
}
