package org.facerecognition.examples.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class AdmissionControlTest {
    /** Their clients are gone; a server once computed answers for them for half a minute, and then failed. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void requestsThatWaitAreNotComputedDuringTheShutdown(boolean gallery) throws Exception {
        AdmissionControl admission = new AdmissionControl(4, 1 << 20, 1);
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        CompletableFuture<String> running = CompletableFuture.supplyAsync(() -> compute(admission, gallery, () -> {
            begun.countDown();
            await(end);
            return "computed";
        }));
        begun.await();
        CompletableFuture<String> waiting = new CompletableFuture<>();
        Thread client = new Thread(() -> {
            try {
                waiting.complete(compute(admission, gallery, () -> "computed too"));
            } catch (RuntimeException e) {
                waiting.completeExceptionally(e);
            }
        });
        client.start();
        while (client.getState() != Thread.State.WAITING) { // until it waits for a worker
            Thread.sleep(1); // unlike a busy loop, it ends when the time is up
        }
        CompletableFuture<Boolean> ended =
                CompletableFuture.supplyAsync(() -> admission.shutDown(30, TimeUnit.SECONDS));
        while (!admission.isShuttingDown()) {
            Thread.sleep(1);
        }
        end.countDown();
        assertThat(running.get()).isEqualTo("computed");
        assertThatThrownBy(waiting::get).hasRootCauseMessage("the server is shutting down");
        assertThat(ended.get()).isTrue();
    }

    private interface Limited {
        String run(AdmissionControl admission, Callable<String> work) throws Exception;
    }

    /** Requests that look into a gallery that does not answer once occupied all threads of the server. */
    @Test
    void listingsAndThumbnailsAreLimited() throws Exception {
        AdmissionControl admission = new AdmissionControl(4, 1 << 20, 1);
        assertLimited(admission, 16, AdmissionControl::list);
        assertLimited(admission, 48, AdmissionControl::thumbnail);
    }

    /** Runs work within work, as often as it may run at the same time. */
    private static void assertLimited(AdmissionControl admission, int limit, Limited kind) throws Exception {
        Callable<String> inner = () -> "done";
        for (int i = 0; i < limit; i++) {
            Callable<String> work = inner;
            inner = () -> kind.run(admission, work);
        }
        assertThat(inner.call()).isEqualTo("done");
        Callable<String> all = inner;
        assertThatThrownBy(() -> kind.run(admission, all))
                .isInstanceOf(ApiException.class)
                .hasMessage("too many requests are already waiting for the gallery; try again in a moment");
        assertThat(inner.call()).as("nothing is left occupied").isEqualTo("done");
    }

    private static String compute(AdmissionControl admission, boolean gallery, Supplier<String> work) {
        try (AdmissionControl.Permit permit = admission.admit(1)) {
            return gallery ? permit.useGallery(work) : permit.compute(work);
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
