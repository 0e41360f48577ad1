package org.facerecognition.backbone;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what the frozen first layers of a net make of each image, so that they work on it once and not in every epoch. A
 * image is known by its pixels: mirrored it is another one, and where each epoch makes new ones of it there is nothing to
 * gain. When the memory is full, what is in it stays and the rest is computed each time.
 *
 * <p>For one thread at a time. The layers must stay frozen as long as it is used.
 */
public final class FrozenFeatureCache implements AutoCloseable {
    private static final int CHUNK = 8; // images

    private final Backbone encoder;
    private final String layer;
    private final long bytes;
    private final Map<ByteBuffer, Integer> places = new HashMap<>(); // by the digest of an image's values
    private @Nullable Tensor
            memory; // [places, h, w, C] in one piece; on a CPU the system gives its pages as they are filled

    /**
     * @param encoder whose layers
     * @param layer the first that learns, as {@link Backbone#forwardFrom} knows it
     * @param bytes most to be kept
     */
    public FrozenFeatureCache(Backbone encoder, String layer, long bytes) {
        this.encoder = encoder;
        this.layer = layer;
        this.bytes = bytes;
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
            List<ByteBuffer> keys = keys(images);
            Map<ByteBuffer, Integer> fresh = new LinkedHashMap<>(); // rows of what is made now
            List<Integer> unknown = new ArrayList<>(); // their places in the batch
            List<Integer> known = new ArrayList<>(); // places in the memory
            for (int i = 0; i < keys.size(); i++) {
                Integer place = places.get(keys.get(i));
                if (place != null) {
                    known.add(place);
                } else if (fresh.putIfAbsent(keys.get(i), unknown.size()) == null) {
                    unknown.add(i);
                }
            }
            if (fresh.isEmpty()) {
                return rows(memory, known).permute(0, 3, 1, 2);
            }
            Tensor made = features(images, unknown); // [F, h, w, C]
            Tensor all = known.isEmpty() ? made : torch.cat(new TensorVector(made, rows(memory, known)), 0);
            List<Integer> order = new ArrayList<>();
            int next = unknown.size();
            for (ByteBuffer key : keys) {
                Integer row = fresh.get(key);
                order.add(row != null ? row : next++);
            }
            keep(fresh.keySet(), made);
            return rows(all, order).permute(0, 3, 1, 2);
        }
    }

    /**
     * What the frozen layers make of some images of a batch, always computed {@link #CHUNK} at a time, the last ones
     * filled up. A training that is resumed meets its images in other company than one that was never stopped, and
     * libtorch rounds differently in batches of other sizes (of one image at the least); in batches of one size an
     * image's features do not depend on the others.
     *
     * @return [F, h, w, C]
     */
    private Tensor features(Tensor images, List<Integer> wanted) {
        TensorVector chunks = new TensorVector();
        for (int from = 0; from < wanted.size(); from += CHUNK) {
            List<Integer> chunk = new ArrayList<>(wanted.subList(from, Math.min(from + CHUNK, wanted.size())));
            int size = chunk.size();
            while (chunk.size() < CHUNK) {
                chunk.add(chunk.get(0));
            }
            Tensor made = encoder.forwardBefore(layer, rows(images, chunk)); // [CHUNK, C, h, w]
            chunks.push_back(made.narrow(0, 0, size).permute(0, 2, 3, 1).contiguous());
        }
        return torch.cat(chunks, 0);
    }

    private static Tensor rows(Tensor tensor, List<Integer> rows) {
        long[] indices = rows.stream().mapToLong(Integer::longValue).toArray();
        return tensor.index_select(0, Tensor.create(indices).to(tensor.device(), ScalarType.Long));
    }

    /** The first of them, as many as there is room for. */
    private void keep(Collection<ByteBuffer> keys, Tensor made) {
        if (memory == null) {
            long[] shape = made.shape();
            shape[0] = bytes / (made.nbytes() / shape[0]);
            memory = torch.empty(shape, made.options(), new MemoryFormatOptional())
                    .retainReference();
        }
        int count = (int) Math.min(keys.size(), memory.size(0) - places.size());
        if (count > 0) {
            memory.narrow(0, places.size(), count).copy_(made.narrow(0, 0, count));
            keys.stream().limit(count).forEach(key -> places.put(key, places.size()));
        }
    }

    /** Digests of the images' values: 128 bits, so that no two ever meet by chance. */
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

    /** Images in it. */
    public int size() {
        return places.size();
    }

    @Override
    public void close() {
        places.clear();
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }
}
