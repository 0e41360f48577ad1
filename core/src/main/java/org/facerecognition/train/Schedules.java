package org.facerecognition.train;

import java.util.List;

/** The schedules of {@link LearningRate}, in closed form. */
final class Schedules {
    private Schedules() {}

    record Named(String name, LearningRate schedule) implements LearningRate {
        @Override
        public double at(double baseRate, long step) {
            return schedule.at(baseRate, step);
        }

        @Override
        public String toString() {
            return name;
        }
    }

    record Constant() implements LearningRate {
        @Override
        public double at(double baseRate, long step) {
            return baseRate;
        }
    }

    record CosineWarmRestarts(int t0, int tMult, double etaMin) implements LearningRate {
        CosineWarmRestarts {
            atLeastOne("t0", t0);
            atLeastOne("tMult", tMult);
            Bounds.notNegative("etaMin", etaMin);
        }

        @Override
        public double at(double baseRate, long step) {
            long since = step;
            long length = t0;
            if (tMult == 1) {
                since = step % t0;
            } else {
                while (since >= length) {
                    since -= length;
                    length *= tMult;
                }
            }
            return halfCosine(baseRate, etaMin, (double) since / length);
        }
    }

    record Cosine(int tMax, double etaMin) implements LearningRate {
        Cosine {
            atLeastOne("tMax", tMax);
            Bounds.notNegative("etaMin", etaMin);
        }

        @Override
        public double at(double baseRate, long step) {
            return halfCosine(baseRate, etaMin, (double) step / tMax);
        }
    }

    record Step(int stepSize, double gamma) implements LearningRate {
        Step {
            atLeastOne("stepSize", stepSize);
            Bounds.positive("gamma", gamma);
        }

        @Override
        public double at(double baseRate, long step) {
            return baseRate * Math.pow(gamma, step / stepSize);
        }
    }

    record MultiStep(List<Integer> milestones, double gamma) implements LearningRate {
        MultiStep {
            milestones = List.copyOf(milestones);
            milestones.forEach(milestone -> Bounds.atLeast(0, "milestones", milestone));
            if (!milestones.stream().sorted().toList().equals(milestones)) {
                throw new IllegalArgumentException("milestones must increase, but were " + milestones);
            }
            Bounds.positive("gamma", gamma);
        }

        @Override
        public double at(double baseRate, long step) {
            long passed =
                    milestones.stream().filter(milestone -> milestone <= step).count();
            return baseRate * Math.pow(gamma, passed);
        }
    }

    record Polynomial(int totalSteps, double power) implements LearningRate {
        Polynomial {
            atLeastOne("totalSteps", totalSteps);
            Bounds.positive("power", power);
        }

        @Override
        public double at(double baseRate, long step) {
            return baseRate * Math.pow(1 - (double) Math.min(step, totalSteps) / totalSteps, power);
        }
    }

    record Warmup(int steps, double startFactor, LearningRate then) implements LearningRate {
        Warmup {
            atLeastOne("steps", steps);
            if (!(startFactor > 0 && startFactor <= 1)) {
                throw new IllegalArgumentException("startFactor must be in (0, 1], but was " + startFactor);
            }
        }

        @Override
        public double at(double baseRate, long step) {
            return step < steps
                    ? baseRate * (startFactor + (1 - startFactor) * step / steps)
                    : then.at(baseRate, step - steps);
        }
    }

    /** Half a cosine, from {@code top} at 0 to {@code bottom} at 1. */
    private static double halfCosine(double top, double bottom, double at) {
        return bottom + (top - bottom) * (1 + Math.cos(Math.PI * at)) / 2;
    }

    private static void atLeastOne(String name, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " must be at least 1, but was " + value);
        }
    }
}
