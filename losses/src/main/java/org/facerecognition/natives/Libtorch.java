package org.facerecognition.natives;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch;

/** Gets libtorch's libraries ready to be loaded. */
public final class Libtorch {
    /*
     * JavaCPP unpacks and loads one library at a time. libtorch needs libtorch_cpu, and the first time, when that is not
     * unpacked yet, the operating system looks elsewhere for it: on a machine with a libtorch of its own (Debian's
     * libtorch-dev, say) it finds one of another version, and the JVM crashes. So all of them are unpacked first, beside
     * each other, where the operating system looks before anywhere else.
     */
    private static final List<String> NEED_EACH_OTHER = List.of("c10", "torch_cpu", "torch");

    static {
        String platform = Loader.getPlatform();
        try {
            for (String folder : List.of(platform + "-gpu", platform)) {
                for (String library : NEED_EACH_OTHER) {
                    String file = System.mapLibraryName(library);
                    Loader.cacheResource(torch.class, "/org/bytedeco/pytorch/" + folder + "/" + file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(
                    "libtorch cannot be unpacked to JavaCPP's cache folder (make room there, or name another with"
                            + " -Dorg.bytedeco.javacpp.cachedir=DIR): " + e.getMessage(),
                    e);
        }
    }

    private Libtorch() {}

    /**
     * To be called before anything else of libtorch. The library's entry classes do; a program that starts with
     * libtorch's own classes, or makes a module of its own first, may call it as well. Costs nothing a second time.
     *
     * @throws ExceptionInInitializerError when the libraries cannot be unpacked
     */
    public static void load() {
        // the static block does it, once
    }
}
