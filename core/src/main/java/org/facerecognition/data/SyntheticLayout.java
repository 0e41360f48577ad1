package org.facerecognition.data;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.opencv.opencv_core.Mat;
import org.facerecognition.synthetic.SyntheticFaces;

/** Lists synthetic faces as a data set; each image is painted when it is read. */
final class SyntheticLayout {
    private SyntheticLayout() {}

    static FaceDataset read(SyntheticFaces.Selection selection, Split split) {
        List<LabeledImage> images = new ArrayList<>();
        List<String> identities = new ArrayList<>();
        for (int identity = selection.fromIdentity(); identity < selection.toIdentity(); identity++) {
            int label = identities.size();
            identities.add("synthetic-" + identity);
            for (int index = selection.fromImage(); index < selection.toImage(); index++) {
                images.add(new LabeledImage(new SyntheticImage(selection.faces(), identity, index), label));
            }
        }
        if (images.isEmpty()) {
            throw new DataException("synthetic faces must have at least one image of at least one person, but "
                    + identities.size() + " people with " + (selection.toImage() - selection.fromImage())
                    + " images each were chosen");
        }
        return FaceDataset.of(images, identities, split, Crop.WHOLE);
    }

    private record SyntheticImage(SyntheticFaces faces, int identity, int index) implements ImageSource {
        @Override
        public String name() {
            return "synthetic-" + identity + "/" + index;
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
