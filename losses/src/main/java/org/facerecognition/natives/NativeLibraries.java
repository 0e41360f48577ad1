package org.facerecognition.natives;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;

/**
 * Loads native libraries through JavaCPP. What fails is said in one sentence with the way out, and in the same sentence
 * each time: a class of JavaCPP's whose initialization has failed says nothing but {@code NoClassDefFoundError} later.
 *
 * <p>The first call sets JavaCPP's limit of physical memory to 0, unless the program has said something about it or has
 * used JavaCPP before.
 */
public final class NativeLibraries {
    /** JavaCPP's property: the size of the whole process at which it takes tensors for a leak. */
    public static final String MEMORY_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

    private static final String MEMORY_LIMIT_FORMERLY = "org.bytedeco.javacpp.maxphysicalbytes";
    private static final Set<Class<?>> LOADED = ConcurrentHashMap.newKeySet();
    private static final Map<Class<?>, String> FAILED = new ConcurrentHashMap<>();
    private static final Pattern FILE_ERROR = Pattern.compile("^.*java\\.(io|nio\\.file)\\.\\w+: ");
    private static final Pattern NOT_EXECUTABLE =
            Pattern.compile("failed to map segment from shared object|Operation not permitted");
    private static volatile boolean ready;

    private NativeLibraries() {}

    /**
     * Gets JavaCPP itself ready: its own library, its cache folder, and its limit of physical memory. To be called
     * before anything else of JavaCPP; costs nothing a second time.
     *
     * @throws IllegalStateException when its library cannot be unpacked; says what to do
     */
    public static void load() {
        if (!ready) {
            getReady();
        }
    }

    private static synchronized void getReady() {
        if (!ready) {
            unpack("JavaCPP's library", Loader.class, "/org/bytedeco/javacpp/" + Loader.getPlatform(), "jnijavacpp");
            liftMemoryLimit();
            ready = true;
        }
    }

    /**
     * Loads what one of JavaCPP's classes needs. Costs nothing a second time.
     *
     * @param type such as {@code opencv_imgcodecs.class}; the literal alone loads nothing
     * @param name of its library, for people: "OpenCV"
     * @throws IllegalStateException when it cannot be unpacked or loaded; says what to do
     */
    public static void load(Class<?> type, String name) {
        if (!LOADED.contains(type)) {
            load();
            initialize(type, name);
        }
    }

    /** One at a time: who comes second to a class that has failed would be told less than who came first. */
    private static synchronized void initialize(Class<?> type, String name) {
        String failure = FAILED.get(type);
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
        try {
            Class.forName(type.getName(), true, type.getClassLoader());
            LOADED.add(type);
        } catch (LinkageError | ClassNotFoundException e) {
            String sentence = explain(name, e);
            FAILED.put(type, sentence);
            throw new IllegalStateException(sentence, e);
        }
    }

    /**
     * Unpacks libraries without loading any: what fails here may be tried again when there is room.
     *
     * @param folder of the class path that has them, for one platform
     * @param libraries their names, without what the platform puts before and behind; those that are not there are left
     *     out
     */
    static void unpack(String name, Class<?> beside, String folder, String... libraries) {
        try {
            for (String library : libraries) {
                Loader.cacheResource(beside, folder + "/" + System.mapLibraryName(library));
            }
        } catch (IOException e) {
            throw new IllegalStateException(cannotBeUnpacked(name, e.getMessage()), e);
        }
    }

    /**
     * One sentence about a native library that could not be loaded.
     *
     * @param name of the library, for people
     * @param failure as JavaCPP or the JVM gave it
     */
    public static String explain(String name, Throwable failure) {
        Optional<Throwable> noFile = causes(failure)
                .filter(cause -> cause instanceof IOException
                        || FILE_ERROR.matcher(message(cause)).find())
                .reduce((former, later) -> later);
        if (noFile.isPresent()) {
            return cannotBeUnpacked(
                    name, FILE_ERROR.matcher(message(noFile.get())).replaceFirst(""));
        }
        Throwable root = causes(failure).reduce((former, later) -> later).orElse(failure);
        String reason = message(root).lines().findFirst().orElse(root.toString());
        if (NOT_EXECUTABLE.matcher(reason).find()) {
            return name
                    + " cannot be loaded, since JavaCPP's cache folder is where nothing may be executed (name another"
                    + " with -Dorg.bytedeco.javacpp.cachedir=DIR): " + reason;
        }
        return name + " cannot be loaded: " + reason
                + "; check that the class path has the natives of this platform, one set only";
    }

    private static String message(Throwable failure) {
        String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return message.replaceFirst(" \\[in thread .*$", ""); // the JVM, of a class that could not be initialized
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, cause -> cause != null, Throwable::getCause)
                .limit(20);
    }

    private static String cannotBeUnpacked(String name, String reason) {
        return name + " cannot be unpacked to JavaCPP's cache folder (make room there, or name another with"
                + " -Dorg.bytedeco.javacpp.cachedir=DIR): " + reason;
    }

    // ---- the limit of memory ----

    /*
     * JavaCPP reads the property once, when its class Pointer is initialized, and there is no asking beforehand whether
     * that has happened. So the property is set for the moment in which this initializes the class, and taken away
     * again: where the limit is on nevertheless, somebody was earlier.
     */
    private static void liftMemoryLimit() {
        if (isMemoryLimitGiven()) {
            return;
        }
        System.setProperty(MEMORY_LIMIT, "0");
        long limit;
        try {
            limit = Pointer.maxPhysicalBytes();
        } finally {
            System.clearProperty(MEMORY_LIMIT);
        }
        if (limit > 0) {
            System.getLogger(NativeLibraries.class.getName())
                    .log(System.Logger.Level.WARNING, memoryLimitSentence(limit));
        }
    }

    private static boolean isMemoryLimitGiven() {
        return System.getProperty(MEMORY_LIMIT) != null || System.getProperty(MEMORY_LIMIT_FORMERLY) != null;
    }

    /**
     * The size of the whole process in bytes at which JavaCPP throws OutOfMemoryError; empty when there is none.
     *
     * @throws IllegalStateException as {@link #load()}
     */
    public static OptionalLong memoryLimit() {
        load();
        long limit = Pointer.maxPhysicalBytes();
        return limit > 0 ? OptionalLong.of(limit) : OptionalLong.empty();
    }

    /** What a limit means, and the way out. */
    public static String memoryLimitSentence(long limitBytes) {
        return "JavaCPP ends work with OutOfMemoryError once the whole process has " + (limitBytes >> 20)
                + " MiB; start the JVM with -D" + MEMORY_LIMIT + "=0"
                + (isMemoryLimitGiven() ? "" : ", or use this library before other classes of JavaCPP");
    }
}
