package org.facerecognition.natives;

import java.io.File;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.javacpp.ClassProperties;
import org.bytedeco.javacpp.Loader;

/**
 * Spares JavaCPP most of its search for what variants of its libraries need, such as OpenCV's for GPUs, where the class
 * path does not have the variant. It looks for some 30 libraries of CUDA then, under 12,000 names, because the list of
 * folders that it looks into grows with each library, and takes about a third of a second for it. Here it looks for
 * each of them by itself, in the same folders, and remembers the answer.
 */
final class AbsentVariants {
    private static final String EXTENSION = "platform.extension"; // absent: all variants; empty: none
    private static final String PRELOAD = "platform.preload";
    private static final List<String> FOLDERS = List.of("platform.preloadpath", "platform.linkpath");
    private static final String RESOURCES = "platform.preloadresource";
    private static final Set<String> KNOWN = new HashSet<>(); // guarded by the class's lock

    private AbsentVariants() {}

    /**
     * Has JavaCPP look for the libraries that only variants of a class's libraries need.
     *
     * @param type a class of JavaCPP's that is loaded next; it is not initialized here
     */
    static synchronized void search(Class<?> type) {
        Properties settings = Loader.loadProperties();
        if (settings.getProperty(EXTENSION) != null
                || pathsAreFirst()
                || type.getClassLoader() != Loader.class.getClassLoader()) {
            return; // the program has chosen, or JavaCPP looks elsewhere than below
        }
        ClassProperties all = properties(type, settings);
        String folder = "/" + type.getName().split("\\.global\\.")[0].replace('.', '/') + "/";
        if (all.get(EXTENSION).stream().anyMatch(extension -> exists(type, folder, extension, all))) {
            return;
        }
        Properties plain = copy(settings);
        plain.setProperty(EXTENSION, "");
        List<String> names = new ArrayList<>(all.get(PRELOAD));
        names.removeAll(properties(type, plain).get(PRELOAD));

        Properties one = copy(settings);
        one.setProperty(EXTENSION, joined(all.get(EXTENSION).stream()));
        FOLDERS.forEach(key -> one.setProperty(key, joined(all.get(key).stream())));
        one.setProperty(RESOURCES, joined(Stream.concat(all.get(RESOURCES).stream(), Stream.of(folder))));
        one.setProperty("platform.library", "jnijavacpp"); // what JavaCPP loads in the end: it has, long ago
        for (String name : names) {
            if (!name.contains(File.pathSeparator) && KNOWN.add(name)) {
                one.setProperty(PRELOAD, name);
                Loader.load(Loader.class, one, false);
            }
        }
    }

    private static boolean pathsAreFirst() {
        return System.getProperties().stringPropertyNames().stream()
                .anyMatch("org.bytedeco.javacpp.pathsFirst"::equalsIgnoreCase);
    }

    private static ClassProperties properties(Class<?> type, Properties settings) {
        return Loader.loadProperties(new Class<?>[] {type}, settings, true);
    }

    private static boolean exists(Class<?> type, String folder, String extension, ClassProperties properties) {
        String library = System.mapLibraryName(properties.getProperty("platform.library"));
        return type.getResource(folder + Loader.getPlatform() + extension + "/" + library) != null;
    }

    private static Properties copy(Properties settings) {
        Properties copy = new Properties();
        copy.putAll(settings);
        return copy;
    }

    private static String joined(Stream<String> values) {
        return String.join(
                File.pathSeparator,
                values.filter(value -> !value.contains(File.pathSeparator)).toList());
    }
}
