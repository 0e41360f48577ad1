package org.facerecognition;

import static org.junit.platform.engine.discovery.ClassNameFilter.includeClassNamePatterns;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectPackage;
import static org.junit.platform.launcher.EngineFilter.includeEngines;
import static org.junit.platform.launcher.TagFilter.includeTags;

import java.util.Locale;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the GPU tests, the {@code Gpu*Test} classes of this package, without Maven: prints one line per test or per
 * skipped class, then a summary. The exit status is 0 if all tests ran and passed, 1 if one failed, and 2 if one was
 * skipped or none was found.
 */
public final class GpuTests {
    private int passed;
    private int failed;
    private int skipped;

    private GpuTests() {}

    public static void main(String[] args) {
        for (String limit : new String[] {"maxPhysicalBytes", "maxBytes"}) { // must be set before JavaCPP is loaded
            String property = "org.bytedeco.javacpp." + limit;
            System.setProperty(property, System.getProperty(property, "0"));
        }
        System.exit(new GpuTests().run());
    }

    private int run() {
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectPackage(GpuTests.class.getPackageName()))
                                .filters(
                                        includeClassNamePatterns("org\\.facerecognition\\.Gpu[A-Za-z]+Test"),
                                        includeTags("gpu"),
                                        includeEngines("junit-jupiter"))
                                .build(),
                        new Printer());
        System.out.printf("%d passed, %d failed, %d skipped%n", passed, failed, skipped);
        return failed > 0 ? 1 : skipped > 0 || passed == 0 ? 2 : 0;
    }

    private final class Printer implements TestExecutionListener {
        private long start;

        @Override
        public void executionStarted(TestIdentifier test) {
            start = System.nanoTime();
        }

        @Override
        public void executionSkipped(TestIdentifier test, String reason) {
            skipped++;
            print("SKIPPED", test, reason);
        }

        @Override
        public void executionFinished(TestIdentifier test, TestExecutionResult result) {
            switch (result.getStatus()) {
                case SUCCESSFUL -> {
                    if (test.isTest()) {
                        passed++;
                        print("passed", test, "");
                    }
                }
                case ABORTED -> {
                    skipped++;
                    print("SKIPPED", test, message(result));
                }
                case FAILED -> {
                    failed++;
                    print("FAILED", test, message(result));
                    result.getThrowable().ifPresent(failure -> failure.printStackTrace(System.out));
                }
            }
        }

        private String message(TestExecutionResult result) {
            return result.getThrowable()
                    .map(failure -> String.valueOf(failure.getMessage())
                            .strip()
                            .lines()
                            .findFirst()
                            .orElse(""))
                    .orElse("");
        }

        private void print(String outcome, TestIdentifier test, String detail) {
            String name = test.getUniqueIdObject().getLastSegment().getValue();
            System.out.printf(
                    Locale.ROOT,
                    "%-8s %6.1f s  %s %s%s%n",
                    outcome,
                    (System.nanoTime() - start) / 1e9,
                    test.isTest() && name.startsWith("#") ? methodName(test) : "",
                    test.getDisplayName(),
                    detail.isEmpty() ? "" : ": " + detail);
        }

        /** Returns the method's name for an invocation of a parameterized test. */
        private String methodName(TestIdentifier test) {
            var segments = test.getUniqueIdObject().getSegments();
            return segments.get(segments.size() - 2).getValue().replaceFirst("\\(.*", "");
        }
    }
}
