import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.facerecognition.gallery.Enrolment;
import org.facerecognition.gallery.Entry;
import org.facerecognition.gallery.Gallery;
import org.facerecognition.gallery.Match;

/**
 * Wrote f4b7e2d.gallery and what commit f4b7e2d answered of it, f4b7e2d.tsv. Runs against the classes of that commit:
 * {@code java -cp CLASSES MakeF4b7e2d.java}.
 */
final class MakeF4b7e2d {
    private static final int D = 16;

    public static void main(String[] args) throws Exception {
        try (Gallery gallery = Gallery.open(Path.of("f4b7e2d.gallery"), "model", D);
                PrintWriter out = new PrintWriter("f4b7e2d.tsv", "UTF-8")) {
            List<Enrolment> all = new ArrayList<>();
            String[] names = {"Анна", "Amélie 🙂", "Boris", "Eve\n", "anna", "Йод\u202e", "  Two  spaces "};
            for (int i = 0; i < 42; i++) {
                String note = i % 3 == 0 ? null : "folder/" + i + ", \"quoted\"\n.jpg";
                all.add(new Enrolment(names[i % names.length], face(i % names.length, i), note));
            }
            gallery.enrol(all);
            gallery.remove("Boris");
            gallery.remove(12);
            gallery.enrol("Late", face(99, 0), "late.jpg");
            for (Entry entry : gallery.entries()) {
                line(out, "entry", entry.id(), entry.identity(), entry.note(), bits(gallery.embedding(entry.id()).get()));
            }
            for (int probe = 0; probe < 12; probe++) {
                for (Match match : gallery.identify(face(probe, 1000), 4, -1).matches()) {
                    String cosine = Long.toHexString(Double.doubleToLongBits(match.cosine()));
                    line(out, "match", probe, match.identity(), match.note(), cosine);
                }
            }
        }
    }

    private static void line(PrintWriter out, String kind, long id, String identity, String note, String bits) {
        out.print(kind + "\t" + id + "\t" + escaped(identity) + "\t" + escaped(note) + "\t" + bits + "\n");
    }

    private static String escaped(String text) {
        return text == null ? "" : text.replace("\n", "\\n");
    }

    private static String bits(float[] values) {
        StringBuilder text = new StringBuilder();
        for (float value : values) {
            text.append(String.format("%08x", Float.floatToIntBits(value)));
        }
        return text.toString();
    }

    private static float[] face(int person, int image) {
        float[] center = direction(person);
        float[] noise = direction(1_000_003L * (person + 1) + image);
        for (int i = 0; i < D; i++) {
            center[i] += 0.65f * noise[i];
        }
        return center;
    }

    private static float[] direction(long seed) {
        Random random = new Random(seed * 2_654_435_761L + 17);
        float[] values = new float[D];
        double squares = 0;
        for (int i = 0; i < D; i++) {
            values[i] = (float) random.nextGaussian();
            squares += values[i] * values[i];
        }
        for (int i = 0; i < D; i++) {
            values[i] /= (float) Math.sqrt(squares);
        }
        return values;
    }
}
