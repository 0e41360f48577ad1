package org.facerecognition.examples;

/** A way of measuring a model. */
interface EvaluationProtocol {
    /** Measures, and adds the figures to the evaluation's report. */
    void measure(Evaluation evaluation);
}
