package org.facerecognition.inference;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.bytedeco.javacpp.PointerScope;

/**
 * A plan and its idle workspaces. Owns the plan.
 *
 * @param idle in no order
 */
record OneDnnPool(OneDnnPlan plan, Queue<OneDnnWorkspace> idle) {
    private static final int MAX_PARTS = 4; // of a layer: more would be too small

    OneDnnPool(OneDnnPlan plan) {
        this(plan, new ConcurrentLinkedQueue<>());
    }

    /** Returns into how many parts layers are cut for an image that is alone; 1 where there is nobody to help. */
    static int parts(ComputeThreads threads) {
        return Integer.highestOneBit(Math.min(MAX_PARTS, threads.count())); // channels divide by it
    }

    private OneDnnWorkspace workspace() {
        OneDnnWorkspace free = idle.poll();
        return free == null ? new OneDnnWorkspace(plan) : free;
    }

    /** Runs the network on as many images as the plan is for, on this thread. */
    void run(InputImages images, int from, float[][] rows, double[] seconds) {
        OneDnnWorkspace workspace = workspace();
        try {
            workspace.run(images, from, rows, seconds);
        } finally {
            idle.add(workspace);
        }
    }

    /**
     * Returns a call with one image, whose parts several threads share out; its workspace goes back to the idle ones
     * after it.
     */
    ComputeThreads.Work inParts(InputImages images, float[][] rows) {
        OneDnnWorkspace workspace = workspace();
        try {
            return new InParts(workspace, workspace.teamCall(), images, rows);
        } catch (OutOfMemoryError e) {
            idle.add(workspace);
            throw e;
        }
    }

    /** A call with one image in a workspace of this pool. */
    private final class InParts implements ComputeThreads.Work {
        private final OneDnnWorkspace workspace;
        private final TeamCall call;
        private final InputImages images;
        private final float[][] rows;

        InParts(OneDnnWorkspace workspace, TeamCall call, InputImages images, float[][] rows) {
            this.workspace = workspace;
            this.call = call;
            this.images = images;
            this.rows = rows;
        }

        @Override
        public int usefulHelpers() {
            return call.usefulHelpers();
        }

        @Override
        public void lead(Runnable callHelpers) {
            try (PointerScope scope = new PointerScope()) {
                workspace.read(images, 0); // while the helpers come
                call.lead(callHelpers);
                workspace.write(rows, 0);
            } finally {
                idle.add(workspace);
            }
        }

        @Override
        public void help() {
            call.help();
        }

        @Override
        public void abandon() {
            idle.add(workspace);
        }
    }

    /** Returns the size of the idle workspaces. */
    long idleBytes() {
        return idle.size() * plan.workspaceBytes();
    }

    void close() {
        idle.forEach(OneDnnWorkspace::close);
        plan.close();
    }
}
