package org.facerecognition.data;

import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.synthetic.SyntheticFaces;

/** Lists synthetic faces as a data set; each image is painted when it is read. */
final class SyntheticLayout {
    private SyntheticLayout() {}

    static FaceDataset read(SyntheticFaces.Selection selection, Split split) {
        int people = selection.toIdentity() - selection.fromIdentity();
        int imagesEach = selection.toImage() - selection.fromImage();
        if (people == 0 || imagesEach == 0) {
            throw new DataException("synthetic faces must have at least one image of at least one person, but " + people
                    + " people with " + imagesEach + " images each were chosen");
        }
        if ((long) people * imagesEach > Integer.MAX_VALUE) {
            throw new DataException("synthetic faces must be at most " + Integer.MAX_VALUE + " images, but " + people
                    + " people with " + imagesEach + " images each were chosen");
        }
        SyntheticFaces faces = selection.faces();
        List<String> identities = IntStream.range(selection.fromIdentity(), selection.toIdentity())
                .mapToObj(SyntheticLayout::name)
                .toList();
        List<LabeledImage> images = new ImageList(people * imagesEach, place -> {
            int label = place / imagesEach;
            int index = selection.fromImage() + place % imagesEach;
            return new LabeledImage(new SyntheticImage(faces, selection.fromIdentity() + label, index), label);
        });
        return FaceDataset.of(images, identities, split, Crop.WHOLE);
    }

    private static String name(int identity) {
        return "synthetic-" + identity;
    }

    private record SyntheticImage(SyntheticFaces faces, int identity, int index) implements ImageSource {
        @Override
        public String name() {
            return SyntheticLayout.name(identity) + "/" + index;
        }

        @Override
        public Mat read() {
            return faces.image(identity, index);
        }

        /** Returns the checksum of the generator and the name, which determine the pixels. */
        @Override
        public long contentChecksum() {
            return Checksum.of(faces + name());
        }
    }
}
