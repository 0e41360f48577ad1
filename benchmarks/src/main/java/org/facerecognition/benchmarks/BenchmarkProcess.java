package org.facerecognition.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs a benchmark in a process of its own. */
final class BenchmarkProcess {
    private BenchmarkProcess() {}

    /**
     * Runs a benchmark beside some busy loops, prints what it prints, and returns it.
     *
     * @throws FailedRun when it ends with an error, or one of the loops ended before it did
     */
    static String run(String name, List<String> command, int busyLoops) throws IOException, InterruptedException {
        try (Neighbors neighbors = new Neighbors(busyLoops)) {
            Process process = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            Runtime.getRuntime().addShutdownHook(new Thread(process::destroy));
            String output = echoed(process.getInputStream());
            int status = process.waitFor();
            if (status != 0) {
                throw new FailedRun(name + " ended with status " + status);
            }
            return output;
        } catch (IllegalStateException e) {
            throw new FailedRun(name + " does not count: " + e.getMessage());
        }
    }

    private static String echoed(InputStream stream) throws IOException {
        StringBuilder all = new StringBuilder();
        byte[] buffer = new byte[8192];
        for (int n; (n = stream.read(buffer)) > 0; ) {
            String text = new String(buffer, 0, n, StandardCharsets.UTF_8);
            System.out.print(text);
            all.append(text);
        }
        return all.toString();
    }
}
