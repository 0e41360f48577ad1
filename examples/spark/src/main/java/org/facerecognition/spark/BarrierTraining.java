package org.facerecognition.spark;

import java.io.Serializable;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.apache.spark.BarrierTaskContext;
import org.apache.spark.BarrierTaskInfo;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.resource.ResourceInformation;
import org.apache.spark.sql.SparkSession;
import org.facerecognition.distributed.Distributed;
import scala.Function1;
import scala.reflect.ClassTag;
import scala.reflect.ClassTag$;

/**
 * Starts a distributed training as a barrier stage of Spark, one rank in each executor. Rank 0 runs the store of the
 * group, whose address the ranks exchange through Spark; from there on they talk to each other directly, as under
 * torchrun.
 *
 * <pre>{@code
 * BarrierTraining.run(spark, 4, Distributed.DEFAULT_TIMEOUT, group -> {
 *     try (Recognizer recognizer = Recognizer.arcFace(args)) {
 *         TrainerArgs training = TrainerArgs.builder().distributed(group).checkpoints(shared).resume(true).build();
 *         new Trainer(training).fit(recognizer, FaceDataset.folders(people, Split.TRAIN));
 *     }
 *     return "done";
 * });
 * }</pre>
 *
 * <p>The data must be readable under the same path on all machines. When a rank fails, Spark ends the others, and the
 * training fails with its reason; one with checkpoints in a shared folder and {@code resume} goes on when it is started
 * again.
 */
public final class BarrierTraining {
    private static final ClassTag<String> STRING = ClassTag$.MODULE$.apply(String.class);

    private static final long WATCH_MILLIS = 500;
    private static final String DRIVER = "driver"; // the executor of a local master

    private BarrierTraining() {}

    /** What each rank does. It is sent to the executors. */
    @FunctionalInterface
    public interface Training extends Serializable {
        /**
         * Trains in an executor.
         *
         * @param group of all ranks; borrowed
         * @return a few words for the driver
         */
        String run(Distributed group);
    }

    /** Scala's functions are not serializable by themselves. */
    private interface OnPartition
            extends Function1<scala.collection.Iterator<Integer>, scala.collection.Iterator<String>>, Serializable {}

    /**
     * Runs a training and waits for it. When a rank fails, this does so with a SparkException that has the reason.
     *
     * @param ranks number of executors that train; Spark waits until as many are free. Where the cluster has fewer in
     *     all, the job fails after some minutes (SPARK-24819)
     * @param timeout how long ranks wait for each other
     * @return what the ranks returned, in their order
     * @throws IllegalArgumentException when there is not at least one rank
     */
    public static List<String> run(SparkSession spark, int ranks, Duration timeout, Training training) {
        if (ranks < 1) {
            throw new IllegalArgumentException("ranks must be at least 1, but was " + ranks);
        }
        int threads = ExecutorProcess.threads(spark.sparkContext());
        List<Integer> all = IntStream.range(0, ranks).boxed().toList();
        OnPartition rank = partition -> {
            String result = train(timeout, threads, training);
            return scala.collection.Iterator.single(result);
        };
        return new JavaSparkContext(spark.sparkContext())
                .parallelize(all, ranks)
                .rdd()
                .barrier()
                .mapPartitions(rank, false, STRING)
                .toJavaRDD()
                .collect();
    }

    private static String train(Duration timeout, int threads, Training training) {
        ExecutorProcess.prepare(threads);
        BarrierTaskContext task = BarrierTaskContext.get();
        requireOneRankEach(task.allGather(SparkEnv.get().executorId()));
        Distributed.Rank me = rank(task);
        return untilCanceled(task, () -> {
            try (Distributed group = Distributed.join(me, word -> task.allGather(word)[0], timeout)) {
                return run(group, training);
            }
        });
    }

    private static String run(Distributed group, Training training) {
        try {
            return training.run(group);
        } catch (RuntimeException | Error e) {
            group.failed(e);
            throw e;
        }
    }

    /** Interrupts work, also where it waits for other ranks to join, when its task is canceled. */
    static <T> T untilCanceled(TaskContext task, Supplier<T> work) {
        Thread worker = Thread.currentThread();
        Thread watch = new Thread(() -> interruptWhenCanceled(worker, task), "barrier-training-watch");
        watch.setDaemon(true);
        watch.start();
        try {
            return work.get();
        } finally {
            watch.interrupt();
        }
    }

    /** By default Spark does not interrupt the threads of a job that is canceled, and a training would go on. */
    private static void interruptWhenCanceled(Thread training, TaskContext task) {
        try {
            while (!task.isInterrupted()) {
                Thread.sleep(WATCH_MILLIS);
            }
            training.interrupt();
        } catch (InterruptedException e) {
            // the training has ended
        }
    }

    /** Ranks in one process would share libtorch's generators and threads. */
    static void requireOneRankEach(String[] executors) {
        for (int i = 0; i < executors.length; i++) {
            int other = Arrays.asList(executors).lastIndexOf(executors[i]);
            if (other > i) {
                throw new IllegalStateException("each rank must have an executor of its own, but ranks " + i + " and "
                        + other + " are both in executor " + executors[i] + "; "
                        + (executors[i].equals(DRIVER)
                                ? "a local master has one process for all: use local-cluster or a cluster, or one rank"
                                : "set spark.task.cpus to the value of spark.executor.cores"));
            }
        }
    }

    private static Distributed.Rank rank(BarrierTaskContext task) {
        BarrierTaskInfo[] ranks = task.getTaskInfos();
        int me = task.partitionId();
        String host = host(ranks[me]);
        int local = (int) Arrays.stream(ranks)
                .limit(me)
                .filter(other -> host(other).equals(host))
                .count();
        return new Distributed.Rank(me, ranks.length, assigned(gpus(task)).orElse(local), host);
    }

    private static String[] gpus(TaskContext task) {
        ResourceInformation assigned = task.resourcesJMap().get("gpu");
        return assigned == null ? new String[0] : assigned.addresses();
    }

    /** Returns the GPU that Spark has assigned, which other applications may not use, if it has given its number. */
    static OptionalInt assigned(String[] gpus) {
        return gpus.length > 0 && gpus[0].matches("\\d{1,4}")
                ? OptionalInt.of(Integer.parseInt(gpus[0]))
                : OptionalInt.empty();
    }

    private static String host(BarrierTaskInfo task) {
        String address = task.address(); // host:port of the executor
        return address.substring(0, address.lastIndexOf(':'));
    }
}
