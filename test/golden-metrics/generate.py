# Writes metrics.json: cases with the values that scikit-learn gives for them. Run: python3 test/golden-metrics/generate.py
#
# Inputs come from a linear congruential generator (Numerical Recipes, 32 bit), rounded to eighths or sixteenths so that f32 holds them exactly and
# scores tie. Each case is what evaluateMetrics takes: flat rows, sizes, the names of loss and activation.
# Where scikit-learn has no value for a class without samples or rest (its auc), the class counts 0, as the contract says.

import json
import os
import warnings

import numpy as np
import sklearn
from sklearn import metrics as m

state = 2024


def draw(n, levels):
    """n numbers k / levels with k from 0 to levels - 1."""
    global state
    values = []
    for _ in range(n):
        state = (1664525 * state + 1013904223) % 2**32
        values.append((state >> 8) % levels / levels)
    return np.array(values)


def scores_of_classes(actual, predicted, labels):
    options = {"average": "macro", "zero_division": 0}
    if labels is not None:
        options["labels"] = labels
    return {
        "precision": m.precision_score(actual, predicted, **options),
        "recall": m.recall_score(actual, predicted, **options),
        "f1": m.f1_score(actual, predicted, **options),
    }


def auc_or_zero(actual, scores):
    return m.roc_auc_score(actual, scores) if 0 < np.sum(actual) < len(actual) else 0.0


def case(name, outputs, targets, loss, activation, expected):
    rows = outputs.reshape(len(outputs), -1)
    return {
        "name": name, "samples": rows.shape[0], "outputCount": rows.shape[1], "loss": loss, "activation": activation,
        "outputs": rows.ravel().tolist(), "targets": targets.ravel().tolist(), "expected": {k: float(v) for k, v in expected.items()},
    }


def multiclass(name, samples, count, present):
    outputs = draw(samples * count, 16).reshape(samples, count)
    actual = (draw(samples, 64) * 64).astype(int) % present
    targets = np.eye(count)[actual]
    predicted = np.argmax(outputs, axis=1)
    expected = {"accuracy": m.accuracy_score(actual, predicted), **scores_of_classes(actual, predicted, list(range(count)))}
    expected["auc"] = np.mean([auc_or_zero(actual == k, outputs[:, k]) for k in range(count)])
    return case(name, outputs, targets, "crossEntropy", "softmax", expected) | {
        "confusion": m.confusion_matrix(actual, predicted, labels=list(range(count))).tolist(), "actual": actual.tolist(), "predicted": predicted.tolist(),
    }


def binary(name, samples, loss, activation):
    outputs = draw(samples, 16) if activation == "sigmoid" else draw(samples, 16) * 4 - 2
    positive = draw(samples, 32) < 0.4
    targets = np.where(positive, 1.0, -1.0 if loss == "hinge" else 0.0)
    predicted = outputs > (0.5 if activation == "sigmoid" else 0)
    expected = {
        "accuracy": m.accuracy_score(positive, predicted), "precision": m.precision_score(positive, predicted),
        "recall": m.recall_score(positive, predicted), "f1": m.f1_score(positive, predicted), "auc": m.roc_auc_score(positive, outputs),
    }
    return case(name, outputs, targets, loss, activation, expected)


def multilabel(name, samples, count):
    outputs = draw(samples * count, 16).reshape(samples, count)
    targets = (draw(samples * count, 32) < 0.3).astype(float).reshape(samples, count)
    predicted = outputs > 0.5
    expected = {
        "accuracy": np.mean(predicted == (targets == 1)), **scores_of_classes(targets.astype(int), predicted.astype(int), None),
        "auc": m.roc_auc_score(targets, outputs, average="macro"),
    }
    return case(name, outputs, targets, "binaryCrossEntropy", "sigmoid", expected)


def regression(name, samples, count):
    targets = (draw(samples * count, 1024) * 100 - 20).reshape(samples, count)
    outputs = targets + (draw(samples * count, 256) * 30 - 15).reshape(samples, count)
    squared = m.mean_squared_error(targets, outputs)
    expected = {
        "meanAbsoluteError": m.mean_absolute_error(targets, outputs), "meanSquaredError": squared,
        "rootMeanSquaredError": np.sqrt(squared), "r2": m.r2_score(targets, outputs, multioutput="uniform_average"),
    }
    return case(name, outputs, targets, "meanSquaredError", "linear", expected)


def curve(name, samples, levels):
    scores = draw(samples, levels)
    labels = (draw(samples, 32) < 0.5).astype(int)
    false_rates, true_rates, thresholds = m.roc_curve(labels, scores, drop_intermediate=False)
    # Before 1.3 scikit-learn began with the largest score + 1 where it now has infinity; JSON has none, so the first threshold is left out.
    return {
        "name": name, "scores": scores.tolist(), "labels": labels.tolist(), "falsePositiveRates": false_rates.tolist(),
        "truePositiveRates": true_rates.tolist(), "thresholdsAfterFirst": thresholds[1:].tolist(),
    }


warnings.simplefilter("error")
golden = {
    "scikitLearn": sklearn.__version__,
    "cases": [
        multiclass("3 classes", 40, 3, 3),
        multiclass("5 classes, one of them without a sample", 30, 5, 4),
        multiclass("4 classes, samples of the first alone", 12, 4, 1),
        binary("one sigmoid output", 40, "binaryCrossEntropy", "sigmoid"),
        binary("one linear output with hinge", 40, "hinge", "linear"),
        multilabel("3 sigmoid outputs", 30, 3),
        regression("one value", 25, 1),
        regression("3 values", 20, 3),
    ],
    "curves": [curve("many ties", 40, 8), curve("few ties", 40, 256)],
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
