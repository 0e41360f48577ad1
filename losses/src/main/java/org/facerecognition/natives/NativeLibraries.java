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
 * Loads native libraries through JavaCPP. Failures are reported in one sentence with the way out, and in the same
 * sentence every time: a class of JavaCPP's whose initialization has failed later throws only {@code
 * NoClassDefFoundError}.
 *
 * <p>The first call sets JavaCPP's limit of physical memory to 0, unless the program has set the limit or has used
 * JavaCPP before.
 */
public final class NativeLibraries {
    /** JavaCPP's property for the size of the whole process at which it assumes a leak. */
    public static final String MEMORY_LIMIT = "org.bytedeco.javacpp.maxPhysicalBytes";

    private static final String MEMORY_LIMIT_OLD_NAME = "org.bytedeco.javacpp.maxphysicalbytes";
    private static final Set<Class<?>> LOADED = ConcurrentHashMap.newKeySet();
    private static final Map<Class<?>, String> FAILED = new ConcurrentHashMap<>();
    private static final Pattern FILE_ERROR = Pattern.compile("^.*java\\.(io|nio\\.file)\\.\\w+: ");
    /** The message of an error about a missing class that is not one of JavaCPP's. */
    private static final Pattern OTHER_CLASS = Pattern.compile("(?!org[./]bytedeco[./])[\\w$]+([./][\\w$]+)+");

    private static final Pattern NOT_EXECUTABLE =
            Pattern.compile("failed to map segment from shared object|Operation not permitted");
    private static volatile boolean ready;

    private NativeLibraries() {}

    /**
     * Prepares JavaCPP itself: its own library, its cache folder, and its limit of physical memory. It must be called
     * before any other use of JavaCPP; later calls cost nothing.
     *
     * @throws IllegalStateException if its library cannot be unpacked; the message says what to do
     */
    public static void load() {
        if (!ready) {
            prepare();
        }
    }

    private static synchronized void prepare() {
        if (!ready) {
            unpack("JavaCPP's library", Loader.class, "/org/bytedeco/javacpp/" + Loader.getPlatform(), "jnijavacpp");
            try {
                liftMemoryLimit();
                // Every library's initialization needs this class, while JavaCPP holds the lock that this class's own
                // initialization needs: two threads that each begin with one of them would wait for each other.
                Pointer.maxPhysicalBytes();
            } catch (IllegalCallerException e) {
                throw new IllegalStateException(explain("JavaCPP's library", e), e);
            }
            ready = true;
        }
    }

    /**
     * Loads the libraries that one of JavaCPP's classes needs. Later calls cost nothing.
     *
     * @param type such as {@code opencv_imgcodecs.class}; the class literal alone loads nothing
     * @param name the name of the library in messages, such as "OpenCV"
     * @throws IllegalStateException if a library cannot be unpacked or loaded; the message says what to do
     */
    public static void load(Class<?> type, String name) {
        if (!LOADED.contains(type)) {
            load();
            initialize(type, name);
        }
    }

    /** Synchronized, because the second thread to initialize a class that fails gets a less informative error. */
    /*
     * JavaCPP locks its cache folder while it unpacks a library, which an interrupted thread cannot do, and a class
     * whose initialization has failed can never be used.
     */
    private static synchronized void initialize(Class<?> type, String name) {
        String failure = FAILED.get(type);
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
        // the library may need libgomp or OpenBLAS, which read their environment when they are loaded
        try (LibC.Variable briefly = OpenMp.spinningBriefly();
                LibC.Variable sleeping = OpenBlas.sleeping();
                LibC.Variable bounded = OpenBlas.bounded()) {
            Uninterrupted.runAside(() -> initialize(type));
            LOADED.add(type);
        } catch (LinkageError | IllegalCallerException e) {
            String sentence = explain(name, e);
            FAILED.put(type, sentence);
            throw new IllegalStateException(sentence, e);
        }
    }

    private static void initialize(Class<?> type) {
        AbsentVariants.search(type);
        try {
            Class.forName(type.getName(), true, type.getClassLoader());
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e); // there is an object of it
        }
    }

    /**
     * Unpacks libraries without loading them; a failure can be retried when there is space.
     *
     * @param name the name of the libraries in messages
     * @param anchor the class whose class loader has them
     * @param folder the folder of the class path that contains them, for one platform
     * @param libraries their names, without the prefix and suffix of the platform; those that do not exist are skipped
     */
    static void unpack(String name, Class<?> anchor, String folder, String... libraries) {
        Uninterrupted.runAside(() -> {
            try {
                for (String library : libraries) {
                    Loader.cacheResource(anchor, folder + "/" + System.mapLibraryName(library));
                }
            } catch (IOException e) {
                throw new IllegalStateException(cannotBeUnpacked(name, String.valueOf(e.getMessage())), e);
            }
        });
    }

    /**
     * Returns one sentence that explains why a native library could not be loaded.
     *
     * @param name the name of the library in messages
     * @param failure the exception of JavaCPP or the JVM
     */
    public static String explain(String name, Throwable failure) {
        if (causes(failure).anyMatch(IllegalCallerException.class::isInstance)) {
            return name + " cannot be loaded, because Java denies native access; start it with"
                    + " --enable-native-access=ALL-UNNAMED";
        }
        Optional<Throwable> fileError = causes(failure)
                .filter(cause -> cause instanceof IOException
                        || FILE_ERROR.matcher(message(cause)).find())
                .reduce((former, later) -> later);
        if (fileError.isPresent()) {
            return cannotBeUnpacked(
                    name, FILE_ERROR.matcher(message(fileError.get())).replaceFirst(""));
        }
        Throwable root = causes(failure).reduce((former, later) -> later).orElse(failure);
        String reason = message(root).lines().findFirst().orElse(root.toString());
        boolean isClass = root instanceof ClassNotFoundException || root instanceof NoClassDefFoundError;
        if (isClass && OTHER_CLASS.matcher(reason).matches()) {
            return "the class " + reason.replace('/', '.')
                    + " is missing; check that the class path has all libraries that the build lists";
        }
        if (NOT_EXECUTABLE.matcher(reason).find()) {
            return name
                    + " cannot be loaded, because JavaCPP's cache folder does not allow execution (name another"
                    + " with -Dorg.bytedeco.javacpp.cachedir=DIR): " + reason;
        }
        return name + " cannot be loaded: " + reason
                + "; check that the class path has the natives of this platform, one set only";
    }

    /**
     * Ends the process without the code that native libraries run at exit, for a program that could not start enough
     * threads: OpenBLAS waits there for threads that it could not start either. Shutdown hooks do not run.
     *
     * @param code the exit code
     */
    public static void exitAtOnce(int code) {
        LibC.call("_exit", code);
        Runtime.getRuntime().halt(code); // Windows, or without JNA
    }

    private static String message(Throwable failure) {
        String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return message.replaceFirst(" \\[in thread .*$", ""); // the JVM's suffix after a failed class initialization
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, cause -> cause != null, Throwable::getCause)
                .limit(20);
    }

    private static String cannotBeUnpacked(String name, String reason) {
        return name + " cannot be unpacked to JavaCPP's cache folder (make room there, or name one that this user may"
                + " write to with -Dorg.bytedeco.javacpp.cachedir=DIR): " + reason;
    }

    // ---- memory limit ----

    /*
     * JavaCPP reads the property once, when its class Pointer is initialized, and there is no way to find out whether
     * that has happened. So the property is set while this initializes the class, and removed again: if there is a
     * limit nevertheless, JavaCPP was used before.
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
        return System.getProperty(MEMORY_LIMIT) != null || System.getProperty(MEMORY_LIMIT_OLD_NAME) != null;
    }

    /**
     * Returns the size of the whole process, in bytes, at which JavaCPP throws OutOfMemoryError; empty if there is no
     * limit.
     *
     * @throws IllegalStateException if JavaCPP cannot be prepared, see {@link #load()}
     */
    public static OptionalLong memoryLimit() {
        load();
        long limit = Pointer.maxPhysicalBytes();
        return limit > 0 ? OptionalLong.of(limit) : OptionalLong.empty();
    }

    /**
     * Returns a sentence that says what a limit means and how to remove it.
     *
     * @param limitBytes the limit
     */
    public static String memoryLimitSentence(long limitBytes) {
        return "JavaCPP throws OutOfMemoryError once the whole process uses " + (limitBytes >> 20)
                + " MiB; start the JVM with -D" + MEMORY_LIMIT + "=0"
                + (isMemoryLimitGiven() ? "" : ", or use this library before other classes of JavaCPP");
    }
}
