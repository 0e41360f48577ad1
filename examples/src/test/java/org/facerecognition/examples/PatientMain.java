package org.facerecognition.examples;

import java.util.concurrent.CountDownLatch;

/**
 * The program in a JVM that does not end before the command has returned, whoever stops it; otherwise it would be a
 * matter of luck whether messages at the end are seen.
 */
final class PatientMain {
    private PatientMain() {}

    public static void main(String[] args) {
        CountDownLatch returned = new CountDownLatch(1);
        StopHook.add("patience", () -> {
            try {
                returned.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        System.err.println("returned " + Main.run(args));
        returned.countDown();
    }
}
