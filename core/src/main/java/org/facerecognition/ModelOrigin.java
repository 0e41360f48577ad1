package org.facerecognition;

import java.util.Map;

/**
 * Where a model comes from. Kept in its file, for whoever is to answer for its use; an unknown part is empty.
 *
 * @param data what it was trained on, in a line
 * @param startedFrom the weights it began with: their file, or their address and checksum
 * @param licence under which it may be used: that of the weights it began with, until {@link Recognizer#setLicence set}
 */
public record ModelOrigin(String data, String startedFrom, String licence) {
    static final ModelOrigin UNKNOWN = new ModelOrigin("", "", "");

    ModelOrigin trainedOn(String data) {
        return new ModelOrigin(data, startedFrom, licence);
    }

    ModelOrigin withLicence(String licence) {
        return new ModelOrigin(data, startedFrom, licence);
    }

    /** @param metadata of the weights */
    ModelOrigin startedFrom(String fileName, Map<String, String> metadata) {
        String address = metadata.get("address");
        String from = address == null ? fileName : address + " sha256 " + metadata.get("sha256");
        return new ModelOrigin(data, from, metadata.getOrDefault("licence", licence));
    }

    void putInto(Map<String, String> metadata) {
        metadata.put("data", data);
        metadata.put("startedFrom", startedFrom);
        metadata.put("licence", licence);
    }

    static ModelOrigin of(Map<String, String> metadata) {
        return new ModelOrigin(
                metadata.getOrDefault("data", ""),
                metadata.getOrDefault("startedFrom", ""),
                metadata.getOrDefault("licence", ""));
    }
}
