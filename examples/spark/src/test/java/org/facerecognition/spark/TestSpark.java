package org.facerecognition.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;

/** Starts Spark for tests. Only one session is open at a time. */
final class TestSpark {
    /** Of executors whose speed is measured. */
    static final String USUAL_JVM = "-Xss4m";

    /** As for the tests themselves: executors that live for seconds should not optimize Java code. */
    static final String TEST_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m";

    private static final Path TARGET = Path.of("target").toAbsolutePath();

    private TestSpark() {}

    /** Tasks run in this process, two at a time. */
    static SparkSession local() {
        return builder("local[2]")
                .config("spark.sql.codegen.wholeStage", false)
                .config("spark.sql.codegen.factoryMode", "NO_CODEGEN") // compiling takes longer than these tests
                .getOrCreate();
    }

    /** Tasks run in processes of one core and 1 GiB each. */
    static SparkSession localCluster(int executors, String jvm) throws IOException {
        Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars")); // empty: the class path is given below
        return builder("local-cluster[" + executors + ",1,1024]")
                .config("spark.executor.cores", 1)
                .config("spark.executor.memory", "1024m")
                .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .config("spark.executor.extraJavaOptions", jvm)
                .getOrCreate();
    }

    private static SparkSession.Builder builder(String master) {
        return SparkSession.builder()
                .master(master)
                .appName("tests")
                .config("spark.ui.enabled", false)
                .config("spark.sql.shuffle.partitions", 2)
                .config("spark.driver.bindAddress", "127.0.0.1")
                .config("spark.driver.host", "127.0.0.1")
                .config("spark.local.dir", TARGET.resolve("spark-local").toString())
                .config(
                        "spark.sql.warehouse.dir",
                        TARGET.resolve("spark-warehouse").toString());
    }
}
