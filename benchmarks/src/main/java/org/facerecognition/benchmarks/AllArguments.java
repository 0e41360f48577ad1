package org.facerecognition.benchmarks;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * The arguments of {@link AllBenchmarks}.
 *
 * @param names of benchmarks and runs; none for all
 * @param values of the arguments KEY=VALUE
 */
record AllArguments(Set<String> names, Map<String, String> values) {
    /** @throws IllegalArgumentException when an argument is unknown, without a value, or given twice */
    static AllArguments parse(String[] args, Set<String> knownNames, Set<String> knownKeys) {
        Set<String> names = new LinkedHashSet<>();
        Map<String, String> values = new LinkedHashMap<>();
        for (String argument : args) {
            String[] parts = argument.split("=", 2);
            if (parts.length == 1) {
                names.add(Arguments.oneOf(knownNames, "NAME", argument));
                continue;
            }
            Arguments.oneOf(knownKeys, "KEY of KEY=VALUE", parts[0]);
            if (parts[1].isEmpty()) {
                throw new ArgumentException(parts[0] + "= must be followed by a value, but was empty");
            }
            if (values.put(parts[0], parts[1]) != null) {
                throw new ArgumentException(parts[0] + "= must be given once, but was given twice");
            }
        }
        return new AllArguments(names, values);
    }
}
