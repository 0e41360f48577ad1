package org.facerecognition.examples;

/** A protocol by which {@code evaluate} measures a model. */
interface EvaluationProtocol {
    /** Measures the model and adds the figures to the evaluation's report. */
    void measure(Evaluation evaluation);
}
