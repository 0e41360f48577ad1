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
import java.util.Objects;
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
 * Caches the output of a network's frozen first layers for each image, so that an image passes through them once and
 * not once per epoch. Images are identified by a digest of their pixels: a mirrored image is another image, and a
 * training run whose augmentation makes new images in every epoch gains nothing. Once the cache is full its contents
 * stay, and the features of all other images are computed each time.
 *
 * <p>Not thread-safe. The layers must stay frozen while the cache is in use.
 */
public final class FrozenFeatureCache implements AutoCloseable {
    private static final int CHUNK = 8; // images

    private final Backbone encoder;
    private final String layer;
    private final long maxBytes;
    private final Map<ByteBuffer, Integer> slots = new HashMap<>(); // by the digest of an image

    /** [slots, h, w, C], allocated whole with the first batch; on a CPU, pages become resident as they are filled. */
    private @Nullable Tensor cache;

    /**
     * @param encoder the network; borrowed
     * @param layer name of the first layer that is trained, as for {@link Backbone#forwardFrom}
     * @param maxBytes maximum size of the cached features
     */
    public FrozenFeatureCache(Backbone encoder, String layer, long maxBytes) {
        this.encoder = encoder;
        this.layer = layer;
        this.maxBytes = maxBytes;
    }

    /**
     * Embeds a batch of images, with gradients for the layers that are trained.
     *
     * @param images [B, 3, S, S], as for {@link Backbone#forward}; borrowed
     * @return [B, D], as {@link Backbone#forward} returns it; scoped
     */
    public Tensor embed(Tensor images) {
        return encoder.forwardFrom(layer, features(images));
    }

    /** Returns the features of a batch, [B, C, h, w], from the cache where it has them, and adds the others to it. */
    private Tensor features(Tensor images) {
        try (NoGradGuard noGrad = new NoGradGuard()) {
            List<ByteBuffer> keys = keys(images);
            Map<ByteBuffer, Integer> misses = new LinkedHashMap<>(); // key -> row in computed
            List<Integer> missRows = new ArrayList<>(); // their rows in the batch
            List<Integer> hitSlots = new ArrayList<>();
            for (int i = 0; i < keys.size(); i++) {
                Integer slot = slots.get(keys.get(i));
                if (slot != null) {
                    hitSlots.add(slot);
                } else if (misses.putIfAbsent(keys.get(i), missRows.size()) == null) {
                    missRows.add(i);
                }
            }
            if (misses.isEmpty()) {
                return cached(hitSlots).permute(0, 3, 1, 2);
            }
            Tensor computed = SynchronizedBatchNorm.suspended(() -> compute(images, missRows)); // [misses, h, w, C]
            Tensor all = hitSlots.isEmpty() ? computed : torch.cat(new TensorVector(computed, cached(hitSlots)), 0);
            List<Integer> order = new ArrayList<>();
            int nextHit = missRows.size();
            for (ByteBuffer key : keys) {
                Integer row = misses.get(key);
                order.add(row != null ? row : nextHit++);
            }
            store(misses.keySet(), computed);
            return rows(all, order).permute(0, 3, 1, 2);
        }
    }

    /**
     * Computes the features of some images of a batch, always {@link #CHUNK} images at a time; the last chunk is
     * padded. A resumed training run meets its images in other batches than one that was never stopped, and libtorch
     * rounds differently in batches of other sizes, at least in a batch of one. In batches of one size, the features of
     * an image do not depend on the other images.
     *
     * @param imageRows rows of the images in the batch
     * @return [imageRows, h, w, C]
     */
    private Tensor compute(Tensor images, List<Integer> imageRows) {
        TensorVector chunks = new TensorVector();
        for (int from = 0; from < imageRows.size(); from += CHUNK) {
            List<Integer> chunk = new ArrayList<>(imageRows.subList(from, Math.min(from + CHUNK, imageRows.size())));
            int size = chunk.size();
            while (chunk.size() < CHUNK) {
                chunk.add(chunk.get(0));
            }
            Tensor features = encoder.forwardBefore(layer, rows(images, chunk)); // [CHUNK, C, h, w]
            chunks.push_back(features.narrow(0, 0, size).permute(0, 2, 3, 1).contiguous());
        }
        return torch.cat(chunks, 0);
    }

    private static Tensor rows(Tensor tensor, List<Integer> rows) {
        long[] indices = rows.stream().mapToLong(Integer::longValue).toArray();
        return tensor.index_select(0, Tensor.create(indices).to(tensor.device(), ScalarType.Long));
    }

    /** Returns the features in some slots; if there are any, the cache exists. */
    private Tensor cached(List<Integer> filled) {
        return rows(Objects.requireNonNull(cache, "cache"), filled);
    }

    /** Stores the first of these features, as many as there is room for. */
    private void store(Collection<ByteBuffer> keys, Tensor features) {
        if (cache == null) {
            long[] shape = features.shape();
            shape[0] = maxBytes / (features.nbytes() / shape[0]);
            cache = torch.empty(shape, features.options(), new MemoryFormatOptional())
                    .retainReference();
        }
        int count = (int) Math.min(keys.size(), cache.size(0) - slots.size());
        if (count > 0) {
            cache.narrow(0, slots.size(), count).copy_(features.narrow(0, 0, count));
            keys.stream().limit(count).forEach(key -> slots.put(key, slots.size()));
        }
    }

    /** Returns digests of the images' values, of 128 bits, so that two images do not collide by chance. */
    private static List<ByteBuffer> keys(Tensor images) {
        List<ByteBuffer> keys = new ArrayList<>();
        Tensor onHost = images.to(new Device("cpu"), images.scalar_type()).contiguous();
        for (long i = 0; i < onHost.size(0); i++) {
            Tensor image = onHost.select(0, i);
            BytePointer values = new BytePointer(image.data_ptr()).capacity(image.nbytes());
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
            throw new IllegalStateException(e); // every Java platform has MD5
        }
    }

    /** Returns the number of cached images. */
    public int size() {
        return slots.size();
    }

    /** Frees the cached features; the network stays open. */
    @Override
    public void close() {
        slots.clear();
        if (cache != null) {
            cache.close();
            cache = null;
        }
    }
}
