package org.facerecognition.synthetic;

/** Paints an identity as one shot shows it, from back to front. Lengths are in face units. */
final class SyntheticPainter {
    private final BackgroundPainter background;
    private final HairPainter hair;
    private final HeadPainter head;
    private final MouthPainter mouth;
    private final EyePainter eyes;

    /** @param canvas borrowed */
    SyntheticPainter(SyntheticCanvas canvas, SyntheticIdentity identity, SyntheticShot shot) {
        FaceBrush brush = new FaceBrush(canvas, identity);
        background = new BackgroundPainter(canvas, identity, shot);
        hair = new HairPainter(brush);
        head = new HeadPainter(brush, shot);
        mouth = new MouthPainter(brush, shot);
        eyes = new EyePainter(brush, shot);
    }

    void paint() {
        background.paintBackground();
        hair.paintBack();
        background.paintNeckAndClothes();
        head.paintEars();
        hair.paintDome();
        head.paintHead();
        head.paintCheeks();
        mouth.paintBeard();
        mouth.paintMouth();
        head.paintNose();
        for (int side = -1; side <= 1; side += 2) {
            eyes.paintEye(side);
            eyes.paintBrow(side);
        }
        head.paintSpots();
        eyes.paintGlasses();
        hair.paintFront();
    }
}
