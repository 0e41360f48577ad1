package org.facerecognition.gallery;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Searches a gallery in PostgreSQL. */
/*
 * The database computes inner products in single precision, whose last bits depend on its order of summation. It sends
 * the best entry of each of the k best identities, and whatever else is within SLACK of these, and their cosines are
 * computed here in double precision, as everywhere. For D values and unit-norm vectors, the product in single precision
 * differs from the exact one by at most about D * 2^-24; SLACK is twice that, for two products that are compared.
 *
 * OFFSET 0 keeps the planner from moving the conversion of a probe's text to where the probe is used, which would
 * convert it again for each entry.
 *
 * Probes are sent in parts, so that no result has the candidates of all of them.
 *
 * An expression on the embeddings in half precision uses the index, and one on the embeddings themselves cannot, so the
 * text of the statement decides how it is searched.
 */
final class PostgresSearch {
    /** The largest number of values that an HNSW index on half precision takes. */
    static final int MAX_INDEXED_DIMENSION = 4_000;

    private static final int MAX_EF_SEARCH = 1_000; // pgvector's; more candidates come from further scans
    private static final int MIN_SCANNED = 20_000; // pgvector's default
    private static final int CANDIDATES_PER_IDENTITY = 8;
    private static final int MAX_INDEXED_TOP_K = 1_000;
    private static final int PROBES_PER_STATEMENT = 256;
    private static final Comparator<Candidate> BEST_FIRST = Comparator.comparingDouble(Candidate::cosine)
            .reversed()
            .thenComparingLong(candidate -> candidate.match().entry());

    private final PostgresSchema.Registered gallery;

    /**
     * What to search for.
     *
     * @param probes unit-norm
     * @param attributes as JSON, that an entry must contain; null for all entries
     */
    record Query(
            List<float[]> probes,
            int topK,
            int efSearch,
            @Nullable String attributes) {
        Query only(float[] probe) {
            return new Query(List.of(probe), topK, efSearch, attributes);
        }
    }

    /**
     * An entry that may be a probe's best.
     *
     * @param probe its number in the statement
     */
    private record Candidate(int probe, long person, Match match) {
        double cosine() {
            return match.cosine();
        }
    }

    PostgresSearch(PostgresSchema.Registered gallery) {
        this.gallery = gallery;
    }

    /** Returns an expression for embeddings in half precision, which the index is made of. */
    static String halves(PostgresSchema.Registered gallery, String vector) {
        return vector + "::halfvec(" + gallery.info().dimension() + ")";
    }

    /** Returns whether the gallery's table of entries has an index that searches can use. */
    static boolean isIndexed(Connection connection, PostgresSchema.Registered gallery) throws SQLException {
        return Sql.query(
                        connection,
                        row -> row.getBoolean(1),
                        "SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
                                + " WHERE i.indrelid = to_regclass(?) AND c.relname = ? AND i.indisvalid)",
                        gallery.entries(),
                        gallery.index())
                .get(0);
    }

    /** Returns for each probe the best identities, at most {@code topK}, the best first. */
    List<List<Match>> exact(Connection connection, Query query) throws SQLException {
        String scored = "SELECT e.id, e.person_id, e.embedding <#> probe.v AS distance FROM " + gallery.entries()
                + " e WHERE " + condition(query);
        return best(connection, query, scored, parameters(query));
    }

    /**
     * Returns for each probe the best identities among the candidates of the index. If they are fewer than {@code
     * topK}, all entries are searched.
     */
    List<List<Match>> indexed(Connection connection, Query query) throws SQLException {
        if (query.topK() > MAX_INDEXED_TOP_K) {
            return exact(connection, query);
        }
        int candidates = Math.max(query.efSearch(), CANDIDATES_PER_IDENTITY * query.topK());
        set(connection, candidates, query.attributes() == null ? "off" : "on");
        String scored = "SELECT e.id, e.person_id, e.embedding <#> probe.v AS distance FROM (SELECT * FROM "
                + gallery.entries() + " WHERE " + condition(query) + " ORDER BY " + halves(gallery, "embedding")
                + " <#> " + halves(gallery, "probe.v") + " LIMIT ?) e";
        List<Object> parameters = new ArrayList<>(parameters(query));
        parameters.add(candidates);
        List<List<Match>> all = best(connection, query, scored, parameters);
        List<Integer> toRepeat = IntStream.range(0, all.size())
                .filter(i -> all.get(i).size() < query.topK())
                .boxed()
                .toList();
        if (!toRepeat.isEmpty()) {
            set(connection, candidates, "on");
        }
        for (int i : toRepeat) {
            all.set(i, exact(connection, query.only(query.probes().get(i))).get(0));
        }
        return all;
    }

    /**
     * Settings for the rest of the transaction.
     *
     * @param candidates the number of entries to take from the index
     * @param withoutIndex whether plans without the index may be chosen, {@code on} or {@code off}: for all entries,
     *     the index is what was asked for; for those with some attributes, the index of attributes and a sort may be
     *     faster
     */
    private static void set(Connection connection, int candidates, String withoutIndex) throws SQLException {
        Sql.query(
                connection,
                row -> 0,
                "SELECT set_config('hnsw.ef_search', ?, true), set_config('hnsw.iterative_scan', 'strict_order', true),"
                        + " set_config('hnsw.max_scan_tuples', ?, true), set_config('enable_seqscan', ?, true),"
                        + " set_config('enable_sort', ?, true)",
                Integer.toString(Math.min(MAX_EF_SEARCH, candidates)),
                Integer.toString(Math.max(MIN_SCANNED, 2 * candidates)),
                withoutIndex,
                withoutIndex);
    }

    private static String condition(Query query) {
        return query.attributes() == null ? "true" : "attributes @> ?::jsonb";
    }

    private static List<Object> parameters(Query query) {
        return Stream.ofNullable(query.attributes()).map(Object.class::cast).toList();
    }

    /**
     * @param scored a statement for the ids, identities and distances of entries
     * @param parameters of it
     */
    private List<List<Match>> best(Connection connection, Query query, String scored, List<Object> parameters)
            throws SQLException {
        float slack = 2 * gallery.info().dimension() * 0x1p-24f;
        String sql = "SELECT probe.i, found.* FROM (SELECT i, text::vector AS v FROM unnest(?) WITH ORDINALITY"
                + " AS given (text, i) OFFSET 0) probe CROSS JOIN LATERAL (WITH scored AS MATERIALIZED (" + scored
                + "),"
                + " best AS MATERIALIZED (SELECT person_id, min(distance) AS distance FROM scored GROUP BY person_id),"
                + " last AS (SELECT max(distance) AS distance FROM"
                + " (SELECT distance FROM best ORDER BY distance LIMIT ?) k),"
                + " chosen AS MATERIALIZED (SELECT s.id, s.person_id FROM scored s"
                + " JOIN best b ON b.person_id = s.person_id AND s.distance <= b.distance + ?"
                + " JOIN last ON b.distance <= last.distance + ?)"
                + " SELECT c.person_id, p.name, c.id, e.note, vector_send(e.embedding) FROM chosen c"
                + oneRow("note, embedding", gallery.entries(), "c.id") + " e"
                + oneRow("name", gallery.persons(), "c.person_id") + " p) found";
        List<List<Match>> results = new ArrayList<>();
        for (int from = 0; from < query.probes().size(); from += PROBES_PER_STATEMENT) {
            List<float[]> probes =
                    query.probes().subList(from, Math.min(query.probes().size(), from + PROBES_PER_STATEMENT));
            List<Object> all = new ArrayList<>();
            all.add(probes.stream().map(Sql::vector).toArray(String[]::new));
            all.addAll(parameters);
            all.addAll(List.of(query.topK(), (double) slack, (double) slack, gallery.id(), gallery.id()));
            List<List<Candidate>> candidates = new ArrayList<>();
            probes.forEach(probe -> candidates.add(new ArrayList<>()));
            Sql.query(connection, row -> candidate(row, probes), sql, all.toArray())
                    .forEach(candidate -> candidates.get(candidate.probe()).add(candidate));
            candidates.forEach(ofProbe -> results.add(best(ofProbe, query.topK())));
        }
        return results;
    }

    /** Returns the best candidate of each of the best identities, the best first. */
    private static List<Match> best(List<Candidate> ofProbe, int topK) {
        Set<Long> seen = new HashSet<>();
        return ofProbe.stream()
                .sorted(BEST_FIRST)
                .filter(candidate -> seen.add(candidate.person()))
                .limit(topK)
                .map(Candidate::match)
                .toList();
    }

    /** Returns a join that reads one row by its key; the planner would read the whole table to join a few rows. */
    private static String oneRow(String columns, String table, String id) {
        return " CROSS JOIN LATERAL (SELECT " + columns + " FROM " + table + " WHERE gallery_id = ? AND id = " + id
                + " LIMIT 1)";
    }

    private static Candidate candidate(ResultSet row, List<float[]> probes) throws SQLException {
        int probe = row.getInt(1) - 1;
        double cosine = UnitVector.cosine(Sql.vector(row, 6), probes.get(probe));
        return new Candidate(
                probe, row.getLong(2), new Match(row.getString(3), row.getLong(4), cosine, row.getString(5)));
    }
}
