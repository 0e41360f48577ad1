package org.facerecognition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.facerecognition.DrillChild.Variant;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Runs {@link KillDrill}: a few kills of the plain variant in each build, 5 of every variant with
 * {@code -Dtests.long=true}, and N with {@code -Ddrill.kills=N}.
 */
class KillDrillTest {
    private static final int KILLS_PER_BUILD = 4;
    private static final int KILLS_IF_LONG = 5;

    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(Variant.class)
    void repeatedlyKilledTrainingEndsLikeAnUninterruptedOne(Variant variant) throws Exception {
        int kills = Integer.getInteger("drill.kills", Boolean.getBoolean("tests.long") ? KILLS_IF_LONG : 0);
        assumeTrue(kills > 0 || variant == Variant.PLAIN, "runs with -Dtests.long=true or -Ddrill.kills=N only");
        long seed = Long.getLong("drill.seed", System.nanoTime());
        Path faces = TinyTraining.writeFaces(folder.resolve("faces"));

        KillDrill.Result result =
                new KillDrill(variant, kills > 0 ? kills : KILLS_PER_BUILD, seed, faces, folder, System.out).run();

        assertThat(result.differences()).isEmpty();
    }
}
