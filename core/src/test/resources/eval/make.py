"""Writes the golden files beside it: figures of scikit-learn and NumPy that the tests compare with.

    python3 make.py [face-recognition-pivot.csv]          (scikit-learn 1.2, NumPy 1.24, SciPy 1.10)

synthetic.json: random scores with ties, and scikit-learn's figures of them. identification.json: random embeddings, and
NumPy's figures of them. pivot.json: figures of the published distances of eleven models (deepface, MIT); the distances
themselves are not copied.
"""

import csv
import json
import os
import sys

import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import accuracy_score, auc, roc_auc_score, roc_curve
from sklearn.model_selection import KFold

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, value):
    with open(os.path.join(HERE, name), "w") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def figures(truth, scores):
    far, tar, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    return {
        "auc": roc_auc_score(truth, scores),
        "eer": brentq(lambda x: 1 - x - interp1d(far, tar)(x), 0, 1, xtol=1e-14),
        "best_accuracy": max(accuracy_score(truth, scores >= t) for t in thresholds),
        "tar_at_far": {str(f): max(tar[far <= f]) for f in (0.0, 0.001, 0.01, 0.1, 0.3)},
    }


def best_threshold(truth, scores):
    """Returns the highest of the best thresholds, halfway to the next lower score."""
    values = np.unique(scores)[::-1]
    accuracies = [np.mean((scores >= v) == truth) for v in values]
    i = int(np.argmax(accuracies))
    return (values[i] + values[i + 1]) / 2 if i + 1 < len(values) else values[i]


def folds(truth, scores, of):
    result = []
    for others, here in of:
        t = best_threshold(truth[others], scores[others])
        result.append(float(np.mean((scores[here] >= t) == truth[here])))
    return {
        "accuracies": result,
        "mean": np.mean(result),
        "standard_error": np.std(result, ddof=1) / np.sqrt(len(result)),
    }


def synthetic():
    random = np.random.RandomState(0)
    n = 407
    truth = random.rand(n) < 0.45
    scores = np.round(random.randn(n) + 1.4 * truth, 1)  # many ties
    far, tar, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    assert abs(auc(far, tar) - roc_auc_score(truth, scores)) < 1e-12
    contiguous = list(KFold(10, shuffle=False).split(scores))
    of_kind = np.where(truth, np.cumsum(truth), np.cumsum(~truth)) - 1  # genuine and impostor pairs separately
    interleaved = [(np.where(of_kind % 2 != f)[0], np.where(of_kind % 2 == f)[0]) for f in range(2)]
    write("synthetic.json", {
        "truth": [int(t) for t in truth],
        "scores": list(scores),
        "figures": figures(truth, scores),
        "curve": {"thresholds": list(thresholds[1:]), "far": list(far[1:]), "tar": list(tar[1:])},
        "contiguous": folds(truth, scores, contiguous),
        "interleaved": folds(truth, scores, interleaved),
    })


def identification():
    random = np.random.RandomState(1)
    people, d = 12, 6
    centers = random.randn(people, d)

    def faces(labels):
        x = centers[labels] + 0.9 * random.randn(len(labels), d)
        return np.round(x, 3)

    known = np.repeat(np.arange(9), 3)  # the last three are not enrolled
    probes = random.randint(0, people, 80)
    a, b = faces(known), faces(probes)
    unit = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)
    cosines = unit(b) @ unit(a).T
    best = np.stack([cosines[:, known == p].max(1) for p in range(9)], 1)
    mated = probes < 9
    ranks = np.array([1 + np.sum(row > row[p]) for row, p in zip(best[mated], probes[mated])])
    non_mated = np.sort(best[~mated].max(1))[::-1]
    own = best[mated, probes[mated]]
    dir_at = {}
    for far in (0.01, 0.1, 0.5):
        allowed = int(np.floor(far * len(non_mated) + 1e-9))
        dir_at[str(far)] = float(np.mean((ranks == 1) & (own > non_mated[allowed])))
    # the CelebA benchmark: queries = the probes, distractors = the enrolled under another name
    q = unit(b) @ unit(b).T
    upper = np.triu(np.ones_like(q, bool), 1)
    same = probes[:, None] == probes[None, :]
    false = np.sort(np.concatenate([q[upper & ~same], cosines.ravel()]))[::-1]
    tpr = {}
    for fpr in (0.5, 0.2, 0.1, 0.05, 0.01):
        threshold = false[int(fpr * len(false)) - 1]
        tpr[str(fpr)] = float(np.mean(q[upper & same] > threshold))
    from sklearn.neighbors import KNeighborsClassifier
    one = KNeighborsClassifier(1, metric="cosine").fit(a, known)
    write("identification.json", {
        "known": a.tolist(), "known_labels": known.tolist(),
        "probes": b.tolist(), "probe_labels": probes.tolist(),
        "cmc": [float(np.mean(ranks <= k)) for k in range(1, 10)],
        "dir_at_far": dir_at,
        "tpr_at_fpr": tpr,
        "nearest_accuracy": one.score(b, probes),
    })


def pivot(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    truth = np.array([row["decision"] == "Yes" for row in rows])
    columns = [c for c in rows[0] if c not in ("file_x", "file_y", "decision")]
    write("pivot.json", {
        c: figures(truth, -np.array([float(row[c]) for row in rows])) for c in columns
    })


synthetic()
identification()
if len(sys.argv) > 1:
    pivot(sys.argv[1])
