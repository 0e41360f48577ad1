package org.facerecognition.spark;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.SparkConf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecutorProcessTest {
    /** As many as Spark gives an executor: one by default on YARN and Kubernetes, and all of a worker elsewhere. */
    @ParameterizedTest
    @CsvSource({"yarn, 1", "k8s://https://cluster:443, 1", "spark://master:7077, 0"})
    void threadsAreTheCoresOfAnExecutor(String master, int byDefault) {
        SparkConf conf = new SparkConf(false).setMaster(master);
        assertThat(ExecutorProcess.threads(conf)).isEqualTo(byDefault);
        assertThat(ExecutorProcess.threads(conf.set("spark.executor.cores", "4")))
                .isEqualTo(4);
    }
}
