package org.facerecognition.eval;

/** Which two faces a pair is of, and whether they are one person's. Pairs and faces are numbered from 0. */
interface Pairing {
    int first(int pair);

    int second(int pair);

    boolean same(int pair);

    /** Each face with each other: pairs (1, 0), (2, 0), (2, 1), (3, 0), .... Needs no memory for them. */
    record EachWithEach(int[] labels) implements Pairing {
        @Override
        public int first(int pair) {
            int face = (int) ((1 + Math.sqrt(1 + 8.0 * pair)) / 2);
            while (pairsBelow(face) > pair) { // the root may be rounded either way
                face--;
            }
            while (pairsBelow(face + 1) <= pair) {
                face++;
            }
            return face;
        }

        @Override
        public int second(int pair) {
            return (int) (pair - pairsBelow(first(pair)));
        }

        @Override
        public boolean same(int pair) {
            int first = first(pair);
            return labels[first] == labels[(int) (pair - pairsBelow(first))];
        }

        /** Pairs among the faces before one. */
        static long pairsBelow(long face) {
            return face * (face - 1) / 2;
        }
    }

    /** Pairs as they are listed. */
    record Listed(int[] firsts, int[] seconds, boolean[] truths) implements Pairing {
        @Override
        public int first(int pair) {
            return firsts[pair];
        }

        @Override
        public int second(int pair) {
            return seconds[pair];
        }

        @Override
        public boolean same(int pair) {
            return truths[pair];
        }
    }

    /** Pairs of which only the score is known. */
    record Anonymous(boolean[] truths) implements Pairing {
        @Override
        public int first(int pair) {
            throw new IllegalStateException(
                    "pairs must be of known faces to be asked for them, but only scores were given");
        }

        @Override
        public int second(int pair) {
            return first(pair);
        }

        @Override
        public boolean same(int pair) {
            return truths[pair];
        }
    }
}
