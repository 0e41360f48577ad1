package org.facerecognition.gallery;

import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The texts of a gallery's rows, which stay in its file: in memory there are only hashes of the names' keys, and a name
 * with an equal hash is compared in the file.
 */
final class FileTexts implements RowTexts {
    private static final int ERASED = -1;
    private static final long NO_HASH = 0;

    private volatile RowFile source;
    private final LongColumn hashes = new LongColumn(); // by group; NO_HASH if erased
    private int[] slots = new int[32]; // an open-addressed hash table of groups + 1
    private int used; // slots, erased ones included
    private String lastKey = "";
    private int lastGroup = NO_GROUP;

    FileTexts(RowFile source) {
        this.source = source;
    }

    /** Reads from another file with the same rows from now on. */
    void moveTo(RowFile other) {
        source = other;
    }

    @Override
    public int group(String key, IntUnaryOperator rowOf) {
        if (lastGroup != NO_GROUP && key.equals(lastKey)) {
            return lastGroup;
        }
        long hash = hash(key);
        for (int slot = slot(hash); slots[slot] != 0; slot = next(slot)) {
            int group = slots[slot] - 1;
            if (slots[slot] != ERASED && hashes.get(group) == hash && isNameOf(key, rowOf.applyAsInt(group))) {
                lastKey = key;
                lastGroup = group;
                return group;
            }
        }
        return NO_GROUP;
    }

    private boolean isNameOf(String key, int row) {
        LogRecord.Enrolled entry = row < 0 ? null : source.read(row);
        return entry != null && Names.key(entry.identity()).equals(key);
    }

    @Override
    public void groupAdded(int group, String key, String name) {
        groupLoaded(group, hash(key));
        lastKey = key;
        lastGroup = group;
    }

    /** Takes a group that was saved. */
    void groupLoaded(int group, long hash) {
        hashes.put(group, hash);
        if (hash != NO_HASH) {
            if (2 * ++used > slots.length) {
                rehash(group);
            }
            insert(group, hash);
        }
    }

    /** Returns the hash by which a group is found; 0 if it is erased. */
    long hash(int group) {
        return hashes.get(group);
    }

    @Override
    public void eraseGroup(int group) {
        long hash = hashes.get(group);
        int slot = slot(hash);
        while (slots[slot] != group + 1) {
            slot = next(slot);
        }
        slots[slot] = ERASED;
        hashes.put(group, NO_HASH);
        lastKey = "";
        lastGroup = NO_GROUP;
    }

    private void insert(int group, long hash) {
        int slot = slot(hash);
        while (slots[slot] != 0) {
            slot = next(slot);
        }
        slots[slot] = group + 1;
    }

    private void rehash(int groups) {
        slots = new int[Math.multiplyExact(2, slots.length)];
        used = 1;
        for (int group = 0; group < groups; group++) {
            long hash = hashes.get(group);
            if (hash != NO_HASH) {
                insert(group, hash);
                used++;
            }
        }
    }

    private int slot(long hash) {
        return (int) hash & slots.length - 1;
    }

    private int next(int slot) {
        return slot + 1 & slots.length - 1;
    }

    /** FNV-1a over the characters, and the finalizer of MurmurHash3, which spreads the bits. */
    static long hash(String key) {
        long hash = 0xcbf29ce484222325L;
        for (int i = 0; i < key.length(); i++) {
            hash = (hash ^ key.charAt(i)) * 0x100000001b3L;
        }
        hash = (hash ^ hash >>> 33) * 0xff51afd7ed558ccdL;
        hash = (hash ^ hash >>> 33) * 0xc4ceb9fe1a85ec53L;
        hash ^= hash >>> 33;
        return hash == NO_HASH ? 1 : hash;
    }

    @Override
    public void rowAdded(int row, @Nullable String note, @Nullable String contentKey) {
        // they are in the file
    }

    @Override
    public void eraseRow(int row) {
        // they are erased in the file
    }

    @Override
    public @Nullable Entry entry(int row, long id, int group) {
        LogRecord.Enrolled entry = source.read(row);
        return entry == null || entry.entry() != id
                ? null
                : new Entry(id, entry.identity(), entry.note(), entry.contentKey());
    }
}
