"""Writes similarity.json beside it: Umeyama's transform by singular values, for 1,000 sets of five points.

    python3 make.py          (numpy)

Umeyama, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", PAMI 1991, equations 40 to
43, with the sign that keeps reflections out. The points are a formula of set and index, for the test to make again.
"""

import json
import os

import numpy

SETS = 1000


def points(of, salt):
    i = numpy.arange(10)
    return (100 * numpy.sin(of * 12.9898 + i * 78.233 + salt)).reshape(5, 2)


def umeyama(source, target):
    mean_s, mean_t = source.mean(0), target.mean(0)
    s, t = source - mean_s, target - mean_t
    u, d, vt = numpy.linalg.svd(t.T @ s / len(s))
    sign = numpy.ones(2)
    if numpy.linalg.det(u) * numpy.linalg.det(vt) < 0:
        sign[1] = -1
    rotation = u @ numpy.diag(sign) @ vt
    scale = (d * sign).sum() / (s ** 2).sum(1).mean()
    return numpy.hstack([scale * rotation, (mean_t - scale * rotation @ mean_s)[:, None]])


def target_of(n, source):
    noise = points(n, 1) / 20
    if n % 3 == 0:  # mirrored, with some noise: a reflection would fit best
        return source * [-1, 1] + noise
    if n % 3 == 1:  # turned, scaled, far away: a face in a large photograph
        turn = numpy.array([[numpy.cos(n), -numpy.sin(n)], [numpy.sin(n), numpy.cos(n)]])
        return source @ turn.T * (0.1 + n / 200) + noise + [n * 8, 7000 - n * 7]
    return points(n, 2)  # unrelated


rows = []
for n in range(SETS):
    source = points(n, 0)
    rows.append([float("%.16g" % x) for x in umeyama(source, target_of(n, source)).flatten()])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "similarity.json"), "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
