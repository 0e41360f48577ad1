package org.facerecognition.weights;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;
import org.facerecognition.backbone.Encoder;

/**
 * Weights that lie elsewhere, and how to know that the right bytes have come.
 *
 * @param address {@code https:} or {@code file:}; {@code http:} of this machine itself
 * @param sha256 of the bytes in hexadecimal: all 64 digits, or the first 8 or more of them, as PyTorch's file names have
 *     (those protect from broken and outdated files, not from a forger)
 * @param license under which they may be used, for people; shown when they are fetched and kept in what is made of them
 */
public record RemoteFile(URI address, String sha256, String license) {
    private static final Pattern DIGITS = Pattern.compile("[0-9a-f]{8,64}");
    /** For weights that are fetched without word of their terms. */
    public static final String UNKNOWN_LICENCE = "not stated; ask whoever made the weights before you use them";

    /** @throws IllegalArgumentException when a part makes no sense, saying which */
    public RemoteFile {
        sha256 = sha256.toLowerCase(Locale.ROOT);
        if (!DIGITS.matcher(sha256).matches()) {
            throw new IllegalArgumentException("sha256 must be 8 to 64 hexadecimal digits, but was \"" + sha256 + "\"");
        }
        String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
        boolean taken =
                scheme.equals("https") || scheme.equals("file") || scheme.equals("http") && isThisMachine(address);
        if (!taken) {
            throw new IllegalArgumentException("address must begin with https: or file:, but was " + address);
        }
        String path = address.getPath();
        if (path == null || path.isEmpty() || path.endsWith("/")) {
            throw new IllegalArgumentException("address must be that of a file, but was " + address);
        }
    }

    /**
     * What torchvision trained on ImageNet for an encoder of its own, its default weights.
     *
     * @throws IllegalArgumentException when there are none for this encoder
     */
    public static RemoteFile imagenet(Encoder encoder) {
        return ImageNetWeights.of(encoder);
    }

    /**
     * The face detector YuNet, of March 2023, in OpenCV's collection of models.
     */
    public static RemoteFile faceDetector() {
        return new RemoteFile(
                URI.create("https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/"
                        + "face_detection_yunet_2023mar.onnx"),
                "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                "MIT (https://github.com/opencv/opencv_zoo/blob/main/models/face_detection_yunet/LICENSE); trained on"
                        + " WIDER FACE, whose photographs are for research: ask your lawyer before you sell it");
    }

    private static boolean isThisMachine(URI address) {
        try {
            return address.getHost() != null
                    && InetAddress.getByName(address.getHost()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** The last part of the address, of letters, digits, {@code .}, {@code _} and {@code -} only. */
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
