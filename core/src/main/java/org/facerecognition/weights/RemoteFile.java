package org.facerecognition.weights;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A file of weights to download, with the checksum that identifies its bytes.
 *
 * @param address an {@code https:} or {@code file:} address, or an {@code http:} address of this machine
 * @param sha256 checksum in hexadecimal: all 64 digits, or at least the first 8 of them, as in the names of PyTorch's
 *     files (a part protects against damaged and outdated files, but not against forged ones)
 * @param license the terms of use, as text for people; shown before a download, and saved in models that start from the
 *     weights
 */
public record RemoteFile(URI address, String sha256, String license) {
    private static final Pattern DIGITS = Pattern.compile("[0-9a-f]{8,64}");

    /** The license text of weights that are downloaded without stating their terms. */
    public static final String UNKNOWN_LICENSE = "not stated; ask the authors of the weights before using them";

    /** @throws IllegalArgumentException naming the part that is invalid */
    public RemoteFile {
        sha256 = sha256.toLowerCase(Locale.ROOT);
        if (!DIGITS.matcher(sha256).matches()) {
            throw new IllegalArgumentException("sha256 must be 8 to 64 hexadecimal digits, but was \"" + sha256 + "\"");
        }
        String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
        boolean accepted =
                scheme.equals("https") || scheme.equals("file") || scheme.equals("http") && isThisMachine(address);
        if (!accepted) {
            throw new IllegalArgumentException("address must begin with https: or file:, but was " + address);
        }
        String path = address.getPath();
        if (path == null || path.isEmpty() || path.endsWith("/")) {
            throw new IllegalArgumentException("address must be that of a file, but was " + address);
        }
    }

    /**
     * Returns torchvision's default weights for one of its architectures, trained on ImageNet.
     *
     * @param architecture torchvision's name, such as {@code resnet34}; the ids of torchvision's encoders are these
     *     names
     * @throws IllegalArgumentException when torchvision has no weights for this architecture
     */
    public static RemoteFile imagenet(String architecture) {
        return ImageNetWeights.of(architecture);
    }

    /** Returns the face detector YuNet of March 2023 from OpenCV's model zoo. */
    public static RemoteFile faceDetector() {
        return new RemoteFile(
                URI.create("https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
                        + "face_detection_yunet_2023mar.onnx"),
                "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                "MIT (https://github.com/opencv/opencv_zoo/blob/main/models/face_detection_yunet/LICENSE); trained on"
                        + " WIDER FACE, whose photographs are for research: seek legal advice before commercial use");
    }

    private static boolean isThisMachine(URI address) {
        try {
            return address.getHost() != null
                    && InetAddress.getByName(address.getHost()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** Returns the last part of the address, reduced to letters, digits, {@code .}, {@code _} and {@code -}. */
    String fileName() {
        String path = address.getPath();
        return path.substring(path.lastIndexOf('/') + 1)
                .replaceAll("[^A-Za-z0-9._-]", "_")
                .replaceAll("^\\.+", "_");
    }

    boolean isLocal() {
        return address.getScheme().equalsIgnoreCase("file");
    }
}
