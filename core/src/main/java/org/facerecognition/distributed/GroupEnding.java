package org.facerecognition.distributed;

/**
 * How a group of ranks has ended.
 *
 * @param exitCode 0, or the exit code of the rank that failed first
 * @param reason which rank failed and why, as a clause; empty when none did
 * @param lost whether a rank was lost although the training itself is sound: it was killed, ran out of memory, hung or
 *     lost its connection. A new group may succeed then; a rank that failed for a reason of its own would do so again
 */
public record GroupEnding(int exitCode, String reason, boolean lost) {
    /** All ranks have done their work. */
    public static final GroupEnding FINISHED = new GroupEnding(0, "", false);
}
