package org.facerecognition.eval;

/** Maps each pair to its two faces and to whether they are of the same person. Pairs and faces are numbered from 0. */
interface Pairing {
    /** Returns the number of one face of a pair. */
    int first(int pair);

    /** Returns the number of the other face of a pair. */
    int second(int pair);

    /** Returns whether a pair is genuine: both faces are of the same person. */
    boolean same(int pair);

    /**
     * Every face with every other, in the order (1, 0), (2, 0), (2, 1), (3, 0), .... The pairs are computed and take no
     * memory.
     *
     * @param labels the identity of each face
     */
    record AllPairs(int[] labels) implements Pairing {
        @Override
        public int first(int pair) {
            int face = (int) ((1 + Math.sqrt(1 + 8.0 * pair)) / 2);
            while (pairsBefore(face) > pair) { // the square root may be rounded up or down
                face--;
            }
            while (pairsBefore(face + 1) <= pair) {
                face++;
            }
            return face;
        }

        @Override
        public int second(int pair) {
            return (int) (pair - pairsBefore(first(pair)));
        }

        @Override
        public boolean same(int pair) {
            int first = first(pair);
            return labels[first] == labels[(int) (pair - pairsBefore(first))];
        }

        /** Returns the number of pairs among the faces with lower numbers than this one. */
        static long pairsBefore(long face) {
            return face * (face - 1) / 2;
        }
    }

    /** The pairs of a list. */
    record Listed(int[] firsts, int[] seconds, boolean[] genuine) implements Pairing {
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
            return genuine[pair];
        }
    }

    /** Pairs whose faces are not known, only their scores. */
    record ScoresOnly(boolean[] genuine) implements Pairing {
        @Override
        public int first(int pair) {
            throw new IllegalStateException("the faces of these pairs are not known, because only scores were given;"
                    + " compare embeddings instead");
        }

        @Override
        public int second(int pair) {
            return first(pair);
        }

        @Override
        public boolean same(int pair) {
            return genuine[pair];
        }
    }
}
