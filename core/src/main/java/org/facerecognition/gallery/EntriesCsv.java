package org.facerecognition.gallery;

import java.io.BufferedReader;
import java.io.FilterReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import org.facerecognition.io.AtomicFile;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code entries.csv} of an exported gallery: in UTF-8 and the form of RFC 4180, with a header. The column
 * {@code identity} is required, {@code note}, {@code content_key} and {@code attributes} (a JSON object) are optional,
 * and others are not read.
 */
final class EntriesCsv implements AutoCloseable {
    static final String IDENTITY = "identity";
    static final String NOTE = "note";
    static final String CONTENT_KEY = "content_key";
    static final String ATTRIBUTES = "attributes";
    static final String ENROLLED_AT = "enrolled_at";
    static final CSVFormat WRITTEN = CSVFormat.DEFAULT
            .builder()
            .setRecordSeparator("\n")
            .setHeader(IDENTITY, NOTE, CONTENT_KEY, ATTRIBUTES, ENROLLED_AT)
            .get();

    private static final CSVFormat READ = CSVFormat.DEFAULT
            .builder()
            .setHeader()
            .setSkipHeaderRecord(true)
            .setAllowMissingColumnNames(true) // as of the index that pandas writes
            .setDuplicateHeaderMode(DuplicateHeaderMode.ALLOW_EMPTY)
            .setIgnoreEmptyLines(true)
            .get();
    private static final char BYTE_ORDER_MARK = '\ufeff';

    private final Path file;
    private final CheckedInputStream bytes;
    private final LimitedReader reader;
    private final CSVParser parser;
    private final Iterator<CSVRecord> records;
    private final Map<String, Integer> columns = new HashMap<>(); // places by name

    /**
     * What the file says of an entry.
     *
     * @param identity in the form in which it can be enrolled
     */
    record Row(
            String identity,
            @Nullable String note,
            @Nullable String contentKey,
            Map<String, String> attributes) {}

    private EntriesCsv(Path file, CheckedInputStream bytes) throws IOException {
        this.file = file;
        this.bytes = bytes;
        this.reader = new LimitedReader(
                new InputStreamReader(bytes, StandardCharsets.UTF_8.newDecoder()),
                file); // which reports what is not UTF-8
        this.parser = CSVParser.builder()
                .setReader(withoutMark(reader))
                .setFormat(READ)
                .get();
        this.records = parser.iterator();
        List<String> names = parser.getHeaderNames();
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i).strip();
            if (columns.putIfAbsent(name, i) != null && !name.isEmpty()) {
                throw new GalleryException(
                        file + " must have each column once, but has two columns named " + name + ": remove one");
            }
        }
    }

    /** @throws GalleryException if it is not such a file */
    static EntriesCsv open(Path file) throws IOException {
        InputStream in = Files.newInputStream(file);
        try {
            EntriesCsv csv = new EntriesCsv(file, new CheckedInputStream(in, new CRC32C()));
            if (!csv.columns.containsKey(IDENTITY)) {
                throw new GalleryException(file + " must begin with a line of column names, one of which is " + IDENTITY
                        + ", but begins with " + csv.parser.getHeaderNames());
            }
            return csv;
        } catch (IOException | RuntimeException e) {
            in.close();
            throw explained(file, 1, e);
        }
    }

    private static Reader withoutMark(Reader reader) throws IOException {
        BufferedReader buffered = new BufferedReader(reader);
        buffered.mark(1);
        if (buffered.read() != BYTE_ORDER_MARK) { // which spreadsheets write
            buffered.reset();
        }
        return buffered;
    }

    /**
     * Returns the next row; null at the end.
     *
     * @throws GalleryException if it cannot be read or enrolled
     */
    @Nullable
    Row next() {
        reader.next();
        long line = parser.getCurrentLineNumber() + 1;
        try {
            return records.hasNext() ? row(records.next()) : null;
        } catch (RuntimeException e) {
            throw explained(file, line, e);
        }
    }

    private Row row(CSVRecord values) {
        if (values.size() != parser.getHeaderNames().size()) {
            throw new IllegalArgumentException("it must have a value for each column of the header, but has "
                    + values.size() + (values.size() == 1 ? " value" : " values"));
        }
        @Nullable String attributes = optional(values, ATTRIBUTES);
        return new Row(
                Names.checked(Names.upgraded(value(values, IDENTITY))),
                Texts.note(optional(values, NOTE)),
                Texts.contentKey(optional(values, CONTENT_KEY)),
                attributes == null ? Map.of() : Attributes.checked(attributes));
    }

    private @Nullable String optional(CSVRecord values, String column) {
        String value = value(values, column);
        return value.isEmpty() ? null : value;
    }

    /** Returns a value of a row; empty if there is no such column. */
    private String value(CSVRecord values, String column) {
        @Nullable Integer place = columns.get(column);
        return place == null ? "" : values.get(place);
    }

    /** Explains why a line cannot be used. */
    private static GalleryException explained(Path file, long line, Exception e) {
        if (e instanceof GalleryException already) {
            return already;
        }
        Throwable cause = e instanceof UncheckedIOException && e.getCause() != null ? e.getCause() : e;
        String why = cause instanceof CharacterCodingException
                ? "it must be text in UTF-8, but is not"
                : cause instanceof IOException
                        ? AtomicFile.reason((IOException) cause)
                        : String.valueOf(cause.getMessage());
        return new GalleryException(file + " cannot be read from line " + line + ": " + why, e);
    }

    /** Returns the CRC32C of the file, once the last row was read. */
    long checksum() {
        return bytes.getChecksum().getValue();
    }

    @Override
    public void close() throws IOException {
        parser.close();
    }

    /** Ends with an error where a quotation mark is missing, instead of reading the rest of the file into memory. */
    private static final class LimitedReader extends FilterReader {
        private static final int MAX_ROW = 4 << 20; // characters

        private final Path file;
        private int read;

        LimitedReader(Reader in, Path file) {
            super(in);
            this.file = file;
        }

        /** Begins another row. */
        void next() {
            read = 0;
        }

        @Override
        public int read() throws IOException {
            return counted(super.read(), 1);
        }

        @Override
        public int read(char[] to, int offset, int length) throws IOException {
            int count = super.read(to, offset, length);
            return counted(count, count);
        }

        private int counted(int result, int count) {
            read += Math.max(0, count);
            if (read > MAX_ROW) {
                throw new GalleryException(file + " must have rows of at most 4 million characters, but has a longer"
                        + " one; a quotation mark is probably missing");
            }
            return result;
        }
    }
}
