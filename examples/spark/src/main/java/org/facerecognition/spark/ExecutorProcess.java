package org.facerecognition.spark;

import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkEnv;
import org.facerecognition.natives.Processors;

/** Makes an executor ready for native code, before the first of its classes is used. */
final class ExecutorProcess {
    private static final String MAX_PHYSICAL_BYTES = "org.bytedeco.javacpp.maxPhysicalBytes";

    private static final String DRIVER = "driver"; // also in local mode, where it runs the tasks

    private ExecutorProcess() {}

    /**
     * Returns how many threads executors are to compute with: as many as the cores that Spark gives them, so that
     * several executors of a machine share its processors.
     *
     * @return 0 if Spark's settings do not say it: for each processor that the executor sees
     */
    static int threads(SparkContext context) {
        return context.isLocal() ? 0 : threads(context.getConf());
    }

    /** As {@link #threads(SparkContext)}, where executors are processes of their own. */
    static int threads(SparkConf conf) {
        String master = conf.get("spark.master");
        boolean oneByDefault = master.startsWith("yarn") || master.startsWith("k8s"); // elsewhere, all of the machine
        return conf.getInt("spark.executor.cores", oneByDefault ? 1 : 0);
    }

    /**
     * Sets what was not set by {@code spark.executor.extraJavaOptions}: the number of threads, and that JavaCPP does
     * not count the memory of the whole process against a limit that follows from the Java heap. Changes nothing in
     * the driver's process, which belongs to the user.
     */
    static synchronized void prepare(int threads) {
        if (SparkEnv.get().executorId().equals(DRIVER)) {
            return;
        }
        if (threads > 0 && Processors.given().isEmpty()) {
            System.setProperty(Processors.PROPERTY, Integer.toString(threads));
        }
        if (System.getProperty(MAX_PHYSICAL_BYTES) == null) {
            System.setProperty(MAX_PHYSICAL_BYTES, "0");
        }
    }
}
