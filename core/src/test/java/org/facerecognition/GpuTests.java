package org.facerecognition;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.launcher.EngineFilter.includeEngines;
import static org.junit.platform.launcher.TagFilter.includeTags;

import java.util.Locale;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs the tests that need a GPU where there is no Maven: one line for each test, then a summary. The exit status is 0
 * when all ran and passed, 1 when one failed and 2 when one was skipped or there was none.
 */
public final class GpuTests {
    private int passed;
    private int failed;
    private int skipped;

    private GpuTests() {}

    public static void main(String[] args) {
        for (String limit : new String[] {"maxPhysicalBytes", "maxBytes"}) { // before JavaCPP is loaded
            String property = "org.bytedeco.javacpp." + limit;
            System.setProperty(property, System.getProperty(property, "0"));
        }
        System.exit(new GpuTests().run());
    }

    private int run() {
        LauncherFactory.create()
                .execute(
                        LauncherDiscoveryRequestBuilder.request()
                                .selectors(selectClass(GpuTest.class))
                                .filters(includeTags("gpu"), includeEngines("junit-jupiter"))
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
                    test.isTest() && name.startsWith("#") ? parent(test) : "",
                    test.getDisplayName(),
                    detail.isEmpty() ? "" : ": " + detail);
        }

        /** Of an invocation with parameters, the method. */
        private String parent(TestIdentifier test) {
            var segments = test.getUniqueIdObject().getSegments();
            return segments.get(segments.size() - 2).getValue().replaceFirst("\\(.*", "");
        }
    }
}
