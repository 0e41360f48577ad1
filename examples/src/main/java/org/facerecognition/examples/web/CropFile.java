package org.facerecognition.examples.web;

import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.FileImageInputStream;
import javax.imageio.stream.ImageInputStream;
import org.facerecognition.vision.FaceTemplate;

/** Tells files that can be aligned faces from photographs, by their format and size. */
public final class CropFile {
    private CropFile() {}

    /**
     * Returns whether a file is an image of a format and of a template's size; reads only the header.
     *
     * @param format such as jpeg or png
     */
    public static boolean hasSize(Path file, String format, FaceTemplate size) {
        ImageReader reader = ImageIO.getImageReadersByFormatName(format).next();
        try (ImageInputStream in = new FileImageInputStream(file.toFile())) {
            reader.setInput(in, true, true);
            return reader.getWidth(0) == size.widthPx() && reader.getHeight(0) == size.heightPx();
        } catch (IOException | RuntimeException e) {
            return false; // another format
        } finally {
            reader.dispose();
        }
    }
}
