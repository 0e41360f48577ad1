package org.facerecognition.gallery;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/** The texts of a gallery's rows in memory. */
/* An array that becomes too short is replaced by a longer one, which readers see only once it is filled. */
final class MemoryTexts implements RowTexts {
    private final Map<String, Integer> groupOf = new HashMap<>(); // by the name's key
    private volatile String[] names = new String[16]; // by group
    private volatile @Nullable String[] notes = new String[16];
    private volatile @Nullable String[] contentKeys = new String[16];

    @Override
    public int group(String key, IntUnaryOperator rowOf) {
        Integer group = groupOf.get(key);
        return group == null ? NO_GROUP : group;
    }

    @Override
    public void groupAdded(int group, String key, String name) {
        if (group == names.length) {
            names = Arrays.copyOf(names, 2 * group);
        }
        names[group] = name;
        groupOf.put(key, group);
    }

    @Override
    public void rowAdded(int row, @Nullable String note, @Nullable String contentKey) {
        if (row == notes.length) {
            notes = Arrays.copyOf(notes, 2 * row);
            contentKeys = Arrays.copyOf(contentKeys, 2 * row);
        }
        notes[row] = note;
        contentKeys[row] = contentKey;
    }

    @Override
    public void eraseGroup(int group) {
        groupOf.remove(Names.key(names[group]));
        names[group] = "";
    }

    @Override
    public void eraseRow(int row) {
        notes[row] = null;
        contentKeys[row] = null;
    }

    @Override
    public Entry entry(int row, long id, int group) {
        return new Entry(id, names[group], notes[row], contentKeys[row]);
    }
}
