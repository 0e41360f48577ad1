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

/** Tells models apart whose embeddings must not be mixed: by what the encoder computes with and by what it sees. */
public final class Fingerprint {
    private static final int DIGITS = 16; // 64 bits: no two of a million models alike, but for one chance in 10^7
    private static final long CHUNK = 1 << 20;
    private static final String COUNTER = "num_batches_tracked"; // of training, not of what is computed

    private Fingerprint() {}

    public static String of(String input, Module encoder) {
        MessageDigest digest = sha256();
        update(digest, input);
        try (PointerScope scope = new PointerScope()) {
            NamedTensors.of(encoder).forEach((name, tensor) -> {
                if (!name.endsWith(COUNTER)) {
                    update(digest, name + Arrays.toString(tensor.shape()));
                    update(digest, tensor);
                }
            });
        }
        return HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
    }

    private static void update(MessageDigest digest, String text) {
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
    }

    /** As float32 in the order of its axes, wherever and however it lies. Inside a scope. */
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
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
