package org.facerecognition.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Counts, by kind, the files and folders that were found in folders of images and not used. Not thread-safe. */
public final class PassedOver {
    private static final String CONVERT = "convert them to JPEG";

    private final Map<String, Integer> unreadable = new TreeMap<>();
    private int hiddenFolders;
    private int hiddenFiles;
    private int others;
    private int deadLinks;
    private int linkedFolders;
    private int closedFolders;
    private int unreadableNames;
    private int loose;
    private int deeper;
    private boolean moreDeeper;

    void addUnreadable(String format) {
        unreadable.merge(format, 1, Integer::sum);
    }

    void addHiddenFolder() {
        hiddenFolders++;
    }

    void addHiddenFile() {
        hiddenFiles++;
    }

    void addOther() {
        others++;
    }

    void addDeadLink() {
        deadLinks++;
    }

    void addLinkedFolder() {
        linkedFolders++;
    }

    void addClosedFolder() {
        closedFolders++;
    }

    /** Counts a file or folder whose name this process cannot decode. */
    public void addUnreadableName() {
        unreadableNames++;
    }

    /** Counts images beside the folders of people, in a folder where each person has a folder. */
    public void addLooseImages(int images) {
        loose += images;
    }

    /** Counts images in folders below those of people. */
    void addDeeperImages(int images) {
        deeper += images;
    }

    /** Records that the search for deeper images was stopped: there may be more. */
    void stopDeeper() {
        moreDeeper = true;
    }

    int deeperImages() {
        return deeper;
    }

    /** Adds the counts of another object. */
    public void add(PassedOver other) {
        other.unreadable.forEach((format, files) -> unreadable.merge(format, files, Integer::sum));
        hiddenFolders += other.hiddenFolders;
        hiddenFiles += other.hiddenFiles;
        others += other.others;
        deadLinks += other.deadLinks;
        linkedFolders += other.linkedFolders;
        closedFolders += other.closedFolders;
        unreadableNames += other.unreadableNames;
        loose += other.loose;
        deeper += other.deeper;
        moreDeeper |= other.moreDeeper;
    }

    /** Returns whether nothing was passed over. */
    public boolean isEmpty() {
        return items().isEmpty() && unreadable.isEmpty();
    }

    /**
     * Returns one line for the user, such as {@code passed over: 3 HEIC images (convert them to JPEG), 1 other file};
     * empty when nothing was passed over.
     */
    public Optional<String> note() {
        List<String> all = formats("");
        if (!all.isEmpty()) {
            all.set(all.size() - 1, all.get(all.size() - 1) + " (" + CONVERT + ")");
        }
        all.addAll(items());
        return all.isEmpty() ? Optional.empty() : Optional.of("passed over: " + String.join(", ", all));
    }

    /**
     * Returns the rest of a sentence that begins with "must have images, but": {@code has none}, or {@code has only 12
     * HEIC images, which cannot be read; convert them to JPEG}.
     */
    public String instead() {
        List<String> all = items();
        all.addAll(formats(", which cannot be read"));
        return all.isEmpty()
                ? "has none"
                : "has only " + String.join(", ", all) + (unreadable.isEmpty() ? "" : "; " + CONVERT);
    }

    /** Returns the counts of images that cannot be decoded, by format; {@code end} is appended to the last one. */
    private List<String> formats(String end) {
        List<String> all = new ArrayList<>();
        unreadable.forEach((format, files) -> all.add(count(files, format + " image", format + " images")));
        if (!all.isEmpty()) {
            all.set(all.size() - 1, all.get(all.size() - 1) + end);
        }
        return all;
    }

    private List<String> items() {
        List<String> all = new ArrayList<>();
        add(all, hiddenFolders, "hidden or system folder", "hidden or system folders");
        add(all, hiddenFiles, "hidden or system file", "hidden or system files");
        add(all, others, "other file", "other files");
        add(all, deadLinks, "link that leads nowhere", "links that lead nowhere");
        add(all, linkedFolders, "link to a folder", "links to folders");
        add(all, closedFolders, "folder that cannot be opened", "folders that cannot be opened");
        add(
                all,
                unreadableNames,
                "name that this process cannot read (where there is no locale, set LC_ALL=C.UTF-8)",
                "names that this process cannot read (where there is no locale, set LC_ALL=C.UTF-8)");
        add(all, loose, "image outside the folders of people", "images outside the folders of people");
        if (deeper > 0) {
            all.add((moreDeeper ? "at least " : "") + count(deeper, "image", "images") + " in deeper folders");
        }
        return all;
    }

    private static void add(List<String> all, int number, String one, String many) {
        if (number > 0) {
            all.add(count(number, one, many));
        }
    }

    static String count(int number, String one, String many) {
        return String.format(Locale.ROOT, "%,d %s", number, number == 1 ? one : many);
    }
}
