package org.facerecognition.weights;

import java.util.Map;
import org.facerecognition.Recognizer;

/**
 * Where a model comes from. Kept in its file, for whoever is to answer for its use; an unknown part is empty.
 *
 * @param data what it was trained on, in a line
 * @param startedFrom the weights it began with: their file, or their address and checksum
 * @param license under which it may be used: that of the weights it began with, until {@link Recognizer#setLicense set}
 */
public record ModelOrigin(String data, String startedFrom, String license) {
    public static final ModelOrigin UNKNOWN = new ModelOrigin("", "", "");

    public ModelOrigin trainedOn(String data) {
        return new ModelOrigin(data, startedFrom, license);
    }

    public ModelOrigin withLicense(String license) {
        return new ModelOrigin(data, startedFrom, license);
    }

    /** @param metadata of the weights */
    public ModelOrigin startedFrom(String fileName, Map<String, String> metadata) {
        String address = metadata.get("address");
        String from = address == null ? fileName : address + " sha256 " + metadata.get("sha256");
        return new ModelOrigin(data, from, metadata.getOrDefault("license", metadata.getOrDefault("licence", license)));
    }

    public void putInto(Map<String, String> metadata) {
        metadata.put("data", data);
        metadata.put("startedFrom", startedFrom);
        metadata.put("license", license);
    }

    public static ModelOrigin of(Map<String, String> metadata) {
        return new ModelOrigin(
                metadata.getOrDefault("data", ""),
                metadata.getOrDefault("startedFrom", ""),
                metadata.getOrDefault("license", metadata.getOrDefault("licence", "")));
    }
}
