package org.facerecognition.data;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Collects image files of a data set, of which it keeps the bytes of their paths and nine more. */
final class FileImageList implements PeopleParts.Chosen {
    private static final int PAGE = 1 << 10; // images whose paths are kept together
    private static final byte LATIN_1 = 0;
    private static final byte UTF_16 = 1; // in which names need not be valid Unicode, as on Windows

    private final Path root;
    private final List<Page> pages = new ArrayList<>(); // full ones
    private final IntStream.Builder labels = IntStream.builder();
    private final List<byte[]> last = new ArrayList<>(); // paths for the next page

    /**
     * Paths of images, each behind a byte that says how it is encoded.
     *
     * @param paths one after another
     * @param ends of each
     */
    private record Page(byte[] paths, int[] ends) {
        static Page of(List<byte[]> all) {
            int[] ends = all.stream().mapToInt(path -> path.length).toArray();
            for (int i = 1; i < ends.length; i++) {
                ends[i] += ends[i - 1];
            }
            ByteBuffer joined = ByteBuffer.allocate(ends[ends.length - 1]);
            all.forEach(joined::put);
            return new Page(joined.array(), ends);
        }

        String path(int place) {
            int from = place == 0 ? 0 : ends[place - 1];
            int length = ends[place] - from - 1;
            return paths[from] == LATIN_1
                    ? new String(paths, from + 1, length, StandardCharsets.ISO_8859_1)
                    : ByteBuffer.wrap(paths, from + 1, length).asCharBuffer().toString();
        }
    }

    /** @param root folder of the data set, below which its images are */
    FileImageList(Path root) {
        this.root = root;
    }

    /** @param image a FileImage below this list's folder */
    @Override
    public void add(ImageSource image, int label) {
        add(((FileImage) image).path(), label);
    }

    /** @param path of the image file, relative to this list's folder */
    void add(String path, int label) {
        labels.add(label);
        last.add(encoded(path));
        if (last.size() == PAGE) {
            pages.add(Page.of(last));
            last.clear();
        }
    }

    private static byte[] encoded(String path) {
        boolean latin1 = path.chars().allMatch(c -> c <= 0xff);
        ByteBuffer bytes = ByteBuffer.allocate(1 + path.length() * (latin1 ? 1 : Character.BYTES));
        if (latin1) {
            bytes.put(LATIN_1).put(path.getBytes(StandardCharsets.ISO_8859_1));
        } else {
            bytes.put(UTF_16).asCharBuffer().put(path);
        }
        return bytes.array();
    }

    /** Returns the images; to be called once. */
    @Override
    public List<LabeledImage> images() {
        List<Page> all = new ArrayList<>(pages);
        if (!last.isEmpty()) {
            all.add(Page.of(last));
        }
        int[] allLabels = labels.build().toArray();
        Path folder = root;
        return new ImageList(allLabels.length, i -> {
            String path = all.get(i / PAGE).path(i % PAGE);
            return new LabeledImage(new FileImage(folder, path), allLabels[i]);
        });
    }
}
