package org.facerecognition.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** What a figure was measured on: commit, machine and date. */
final class Environment {
    private Environment() {}

    /**
     * Returns the abbreviated commit of the working folder, followed by {@code +} if tracked files differ from it.
     *
     * @throws IOException when this is not a git repository
     */
    static String commit() throws IOException, InterruptedException {
        String commit = git("rev-parse", "--short", "HEAD").strip();
        if (commit.isEmpty()) {
            throw new IOException("figures need the commit they were measured at: run this in a git clone");
        }
        boolean changed = git("status", "--porcelain", "--untracked-files=no")
                .lines()
                .anyMatch(line -> !line.contains("benchmarks/results/")
                        && !line.endsWith("README.md")
                        && !line.endsWith(Summary.CHART.getFileName().toString()));
        return changed ? commit + "+" : commit;
    }

    /** Returns whether a commit is followed by {@code +}: two states of the tracked files may both be called so. */
    static boolean isChanged(String commit) {
        return commit.endsWith("+");
    }

    private static String git(String... words) throws IOException, InterruptedException {
        Process git = new ProcessBuilder(
                        Stream.concat(Stream.of("git"), Stream.of(words)).toList())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        String output = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        git.waitFor();
        return output;
    }

    /** Describes processor, memory and Java in one line. */
    static String machine() throws IOException {
        Path cpuInfo = Path.of("/proc/cpuinfo");
        String model = System.getProperty("os.arch");
        if (Files.exists(cpuInfo)) {
            List<String> lines = Files.readAllLines(cpuInfo);
            model = lines.stream()
                    .filter(line -> line.startsWith("model name"))
                    .findFirst()
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .orElse(model);
            String flags = lines.stream()
                    .filter(line -> line.startsWith("flags"))
                    .findFirst()
                    .orElse("");
            model += flags.contains("amx_tile")
                    ? " with AMX"
                    : flags.contains("avx512_bf16")
                            ? " with AVX-512 and its bf16"
                            : flags.contains("avx512f") ? " with AVX-512" : " without AVX-512";
        }
        long memory = ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getTotalMemorySize();
        return String.format(
                Locale.ROOT,
                "%s, %d processors, %.0f GiB, %s, Java %s",
                model,
                Runtime.getRuntime().availableProcessors(),
                memory / 0x1p30,
                System.getProperty("os.name"),
                System.getProperty("java.version"));
    }

    /** Returns the versions of Python and of its PyTorch, or that there is none that benchmarks can use. */
    static String python() throws InterruptedException {
        String script = "import platform, torch, torchvision; print(platform.python_version(), torch.__version__)";
        try {
            Process process = new ProcessBuilder(Child.pythonFile(), "-c", script)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (process.waitFor() == 0 && output.contains(" ")) {
                return "Python " + output.replace(" ", " with PyTorch ");
            }
        } catch (IOException e) {
            // there is no such program
        }
        return "no Python with torch and torchvision";
    }

    static String today() {
        return LocalDate.now().format(DateTimeFormatter.ofPattern("d MMMM yyyy", Locale.ENGLISH));
    }
}
