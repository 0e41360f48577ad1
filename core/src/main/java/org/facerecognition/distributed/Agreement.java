package org.facerecognition.distributed;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;

/** Compares what must be the same on all ranks. */
record Agreement(RankStore store, Failures failures, int rank, int worldSize) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MAX_DIFFERENCES = 6; // in a message
    private static final int LONGEST_VALUE = 80; // in a message

    /**
     * Compares values by name.
     *
     * @param exchange number of the comparison, the same on all ranks
     * @throws IllegalStateException on every rank when values differ, naming them and the ranks
     */
    void require(int exchange, Map<String, String> mine) {
        String prefix = "same/" + exchange + "/";
        store.set(prefix + rank, write(mine));
        Map<String, String> first = read(failures.await(prefix + 0, 0));
        for (int other = 1; other < worldSize; other++) {
            Map<String, String> theirs = read(failures.await(prefix + other, other));
            if (!theirs.equals(first)) {
                throw new IllegalStateException("all ranks must train with the same settings and data, but on rank "
                        + other + " " + differences(first, theirs)
                        + "; start all ranks with the same arguments and the same version");
            }
        }
    }

    static String differences(Map<String, String> first, Map<String, String> other) {
        Map<String, String> differing = new LinkedHashMap<>();
        TreeSet<String> names = new TreeSet<>(first.keySet());
        names.addAll(other.keySet());
        for (String name : names) {
            String theirs = other.getOrDefault(name, "not set");
            String ours = first.getOrDefault(name, "not set");
            if (!theirs.equals(ours)) {
                differing.put(name, name + " is " + shortened(theirs) + " and on rank 0 " + shortened(ours));
            }
        }
        int more = differing.size() - MAX_DIFFERENCES;
        return String.join(
                        "; ", differing.values().stream().limit(MAX_DIFFERENCES).toList())
                + (more > 0 ? "; and " + more + " more differences" : "");
    }

    private static String shortened(String value) {
        return value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE - 3) + "...";
    }

    private static String write(Map<String, String> values) {
        try {
            return JSON.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("cannot write " + values + " as JSON", e);
        }
    }

    private static Map<String, String> read(String json) {
        try {
            return JSON.readValue(json, new TypeReference<Map<String, String>>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("another rank has sent " + json + ", which is not of this version", e);
        }
    }
}
