package org.facerecognition.data;

/**
 * An image in a file of many, whose name had the file's folder in earlier versions: names decide whether a training may
 * be resumed, and a folder can be moved.
 */
interface NamedByFolder {
    /** Returns the former name, which messages still have. */
    String nameWithFolder();

    /** Returns the name that an image had in earlier versions. */
    static String formerName(ImageSource image) {
        if (image instanceof CroppedFace face) {
            return formerName(face.whole());
        }
        return image instanceof NamedByFolder named ? named.nameWithFolder() : image.name();
    }
}
