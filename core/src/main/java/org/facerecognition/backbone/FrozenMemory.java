package org.facerecognition.backbone;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.MemoryFormat;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Keeps what the frozen first layers of a net make of each picture, so that they work on it once and not in every epoch. A
 * picture is known by its pixels: mirrored it is another one, and where each epoch makes new ones of it there is nothing to
 * gain. When the memory is full, what is in it stays and the rest is computed each time.
 *
 * <p>For one thread at a time. The layers must stay frozen as long as it is used.
 */
public final class FrozenMemory implements AutoCloseable {
    private final Backbone encoder;
    private final String layer;
    private final Map<ByteBuffer, Tensor> kept = new HashMap<>(); // by the digest of a picture's values; [1, C, h, w]
    private long bytesLeft;

    /**
     * @param encoder whose layers
     * @param layer the first that learns, as {@link Backbone#forwardFrom} knows it
     * @param bytes most to be kept
     */
    public FrozenMemory(Backbone encoder, String layer, long bytes) {
        this.encoder = encoder;
        this.layer = layer;
        this.bytesLeft = bytes;
    }

    /**
     * Embeds a batch, with gradients for the layers that learn.
     *
     * @param images [B, 3, S, S], as for {@link Backbone#forward}
     * @return [B, D], as that gives; in the caller's scope
     */
    public Tensor embed(Tensor images) {
        return encoder.forwardFrom(layer, before(images));
    }

    private Tensor before(Tensor images) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            int count = (int) images.size(0);
            List<ByteBuffer> keys = keys(images);
            List<Integer> unknown = new ArrayList<>(); // places in the batch
            for (int i = 0; i < count; i++) {
                if (!kept.containsKey(keys.get(i))) {
                    unknown.add(i);
                }
            }
            if (unknown.size() == count && bytesLeft <= 0) {
                return encoder.forwardBefore(layer, images);
            }
            Tensor[] rows = new Tensor[count];
            if (!unknown.isEmpty()) {
                Tensor made = encoder.forwardBefore(layer, picked(images, unknown)); // [U, C, h, w]
                for (int i = 0; i < unknown.size(); i++) {
                    int place = unknown.get(i);
                    rows[place] = made.narrow(0, i, 1);
                    keep(keys.get(place), rows[place]);
                }
            }
            TensorVector all = new TensorVector();
            for (int i = 0; i < count; i++) {
                all.push_back(rows[i] == null ? kept.get(keys.get(i)) : rows[i]);
            }
            return torch.cat(all, 0).contiguous(MemoryFormat.ChannelsLast);
        }
    }

    private static Tensor picked(Tensor images, List<Integer> places) {
        if (places.size() == images.size(0)) {
            return images;
        }
        long[] indices = places.stream().mapToLong(Integer::longValue).toArray();
        return images.index_select(0, Tensor.create(indices).to(images.device(), ScalarType.Long));
    }

    private void keep(ByteBuffer key, Tensor row) {
        long bytes = row.numel() * row.element_size();
        if (bytes <= bytesLeft && !kept.containsKey(key)) {
            kept.put(key, row.clone().retainReference());
            bytesLeft -= bytes;
        }
    }

    /** Digests of the pictures' values: 128 bits, so that no two ever meet by chance. */
    private static List<ByteBuffer> keys(Tensor images) {
        List<ByteBuffer> keys = new ArrayList<>();
        Tensor onHost = images.to(new Device("cpu"), images.scalar_type()).contiguous();
        for (long i = 0; i < onHost.size(0); i++) {
            Tensor picture = onHost.select(0, i);
            BytePointer values = new BytePointer(picture.data_ptr()).capacity(picture.nbytes());
            keys.add(ByteBuffer.wrap(md5(values.asByteBuffer())));
        }
        return keys;
    }

    private static byte[] md5(ByteBuffer values) {
        try {
            MessageDigest digest = MessageDigest.getInstance("MD5");
            digest.update(values);
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    /** Pictures in it. */
    public int size() {
        return kept.size();
    }

    @Override
    public void close() {
        kept.values().forEach(Tensor::close);
        kept.clear();
    }
}
