package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The quota of processor time that Linux gives to a control group, such as a container's: 1500 milliseconds of each
 * second. The JVM says only how many processors are as much, rounded up.
 */
final class CpuQuota {
    private static final double PERIOD = 100_000; // Linux's own

    private CpuQuota() {}

    /**
     * Returns whether the group of this process, or one that contains it, has a quota below the time of all
     * processors; false on other systems.
     *
     * @param root of the file system
     * @param processors of the machine
     */
    static boolean isSet(Path root, long processors) {
        Path groups = root.resolve("sys/fs/cgroup");
        try {
            for (String line : Files.readAllLines(root.resolve("proc/self/cgroup"))) {
                String[] group = line.split(":", 3); // number, controllers, path
                if (group.length < 3) {
                    continue;
                }
                boolean unified = group[1].isEmpty(); // of version 2
                boolean ofProcessors = Arrays.asList(group[1].split(",")).contains("cpu");
                if (unified && isSetWithin(groups, group[2], processors)
                        || ofProcessors && isSetWithin(groups.resolve("cpu"), group[2], processors)) {
                    return true;
                }
            }
        } catch (IOException | UncheckedIOException | InvalidPathException | SecurityException e) {
            // not Linux
        }
        return false;
    }

    /** Looks in a group and those above it; a container sees its own group as the root, whatever it is called. */
    private static boolean isSetWithin(Path mount, String group, long processors) {
        Path folder =
                mount.resolve(group.substring(Math.min(1, group.length()))).normalize();
        if (!folder.startsWith(mount)) { // a group beside that of the container
            folder = mount;
        }
        for (; folder != null && folder.startsWith(mount); folder = folder.getParent()) {
            String ofVersion2 = content(folder.resolve("cpu.max")); // quota and period, in microseconds
            String ofVersion1 = content(folder.resolve("cpu.cfs_quota_us"));
            if (isBelow(ofVersion2, processors)
                    || isBelow(ofVersion1 + " " + content(folder.resolve("cpu.cfs_period_us")), processors)) {
                return true;
            }
        }
        return false;
    }

    /** @param quotaAndPeriod in microseconds; "max" or -1 is no quota */
    private static boolean isBelow(String quotaAndPeriod, long processors) {
        String[] numbers = quotaAndPeriod.strip().split("\\s+");
        try {
            double quota = Double.parseDouble(numbers[0]);
            double period = numbers.length > 1 ? Double.parseDouble(numbers[1]) : PERIOD;
            return quota > 0 && quota < period * processors;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static String content(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException | UncheckedIOException e) {
            return ""; // there is none in a root
        }
    }
}
