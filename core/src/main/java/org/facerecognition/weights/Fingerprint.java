package org.facerecognition.weights;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Identifies a model by what determines its embeddings: the names, shapes and values of the encoder's tensors, and a
 * description of its input. Embeddings of models with different fingerprints must not be mixed; a gallery, for example,
 * accepts only embeddings of the model it was made with.
 *
 * <p>The fingerprint is the first 64 bits of a SHA-256 digest over the input's description and, per tensor, its name,
 * shape and values as float32. It does not depend on the device, memory layout or floating-point type in which the
 * encoder holds these values. The counter {@code num_batches_tracked} is left out, since no embedding depends on it.
 */
public final class Fingerprint {
    private static final int DIGITS = 16; // 64 bits: two of a million models are equal with probability 10^-7
    private static final long CHUNK = 1 << 20;
    private static final String COUNTER = "num_batches_tracked"; // changes in training, but no result depends on it

    private Fingerprint() {}

    /**
     * Computes the fingerprint of an encoder. Its tensors are copied to the CPU one by one; none of them is changed.
     *
     * @param input description of what the encoder expects as input, such as size and normalization
     * @param encoder the network; borrowed
     * @return 16 lowercase hexadecimal digits
     */
    public static String of(String input, Module encoder) {
        MessageDigest digest = sha256();
        update(digest, input);
        try (PointerScope scope = new PointerScope()) {
            NamedTensors.of(encoder).forEach((name, tensor) -> {
                if (!leavesOut(name)) {
                    update(digest, name + Arrays.toString(tensor.shape()));
                    update(digest, tensor);
                }
            });
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    }

    /**
     * Computes the fingerprint of an encoder whose weights are in a file, as {@link #of(String, Module)} does.
     *
     * @param input description of what the encoder expects as input
     * @param file whose tensors are float32
     * @param prefix of the names of the encoder's tensors in the file
     * @return 16 lowercase hexadecimal digits
     * @throws WeightsException when the file cannot be read
     */
    public static String of(String input, SafeTensors file, String prefix) {
        MessageDigest digest = sha256();
        update(digest, input);
        for (String name : file.names()) {
            if (name.startsWith(prefix) && !leavesOut(name)) {
                update(digest, name.substring(prefix.length()) + Arrays.toString(file.shape(name)));
                file.readBytes(name, digest::update);
            }
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    }

    /** Returns whether fingerprints do not depend on a tensor, because embeddings do not. */
    public static boolean leavesOut(String name) {
        return name.endsWith(COUNTER);
    }

    private static void update(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    /** Digests the values as float32 in logical order. The tensor is borrowed; temporary tensors are scoped. */
    private static void update(MessageDigest digest, Tensor tensor) {
        Tensor values = tensor.detach().to(new Device("cpu"), ScalarType.Float).contiguous();
        long bytes = values.numel() * values.element_size();
        BytePointer memory = new BytePointer(values.data_ptr());
        for (long from = 0; from < bytes; from += CHUNK) {
            digest.update(
                    memory.position(from).limit(Math.min(bytes, from + CHUNK)).asByteBuffer());
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java runtime must provide SHA-256, but this one does not", e);
        }
    }
}
