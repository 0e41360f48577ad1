package org.facerecognition.weights;

import java.util.Map;

/**
 * The origin of a model: its training data, the weights it started from and its license. It is saved in the model's
 * file, so that those who deploy the model can account for its use. A part that is not known is empty.
 *
 * @param data one line that describes the training data
 * @param startedFrom the weights that training started from: the name of their file, or their address and checksum
 * @param license the terms under which the model may be used: by default those of the weights it started from
 */
public record ModelOrigin(String data, String startedFrom, String license) {
    /** An origin of which nothing is known. */
    public static final ModelOrigin UNKNOWN = new ModelOrigin("", "", "");

    /**
     * Returns this origin with other training data.
     *
     * @param data one line that describes it
     */
    public ModelOrigin trainedOn(String data) {
        return new ModelOrigin(data, startedFrom, license);
    }

    /** Returns this origin with another license. */
    public ModelOrigin withLicense(String license) {
        return new ModelOrigin(data, startedFrom, license);
    }

    /**
     * Returns this origin with other initial weights. Their license, where their metadata states one, replaces that of
     * this origin.
     *
     * @param fileName name of the file, recorded when the metadata has no address
     * @param metadata of the weights, as in {@link Weights#metadata}: {@code address} and {@code sha256} when they were
     *     downloaded, and {@code license} (or {@code licence}, its former name)
     */
    public ModelOrigin startedFrom(String fileName, Map<String, String> metadata) {
        String address = metadata.get("address");
        String from = address == null ? fileName : address + " sha256 " + metadata.get("sha256");
        String stated = of(metadata).license;
        return new ModelOrigin(data, from, stated.isBlank() ? license : stated);
    }

    /**
     * Puts the three parts into the metadata of a file, under {@code data}, {@code startedFrom} and {@code license}.
     *
     * @param metadata a modifiable map
     */
    public void putInto(Map<String, String> metadata) {
        metadata.put("data", data);
        metadata.put("startedFrom", startedFrom);
        metadata.put("license", license);
    }

    /**
     * Reads the origin from the metadata of a file; the counterpart of {@link #putInto}.
     *
     * @param metadata may lack any of the parts, which are then empty; {@code licence} is read as the former name of
     *     {@code license}
     */
    public static ModelOrigin of(Map<String, String> metadata) {
        return new ModelOrigin(
                metadata.getOrDefault("data", ""),
                metadata.getOrDefault("startedFrom", ""),
                metadata.getOrDefault("license", metadata.getOrDefault("licence", "")));
    }
}
