# scikit-learn's side of the comparison.
#
#   peer.py data FILE             writes the breast cancer data as CSV
#   peer.py score FOLDER          reads FOLDER/tasks.json and the tables beside it, prints the scores as JSON
#
# Inputs: StandardScaler on numbers (missing ones the mean), one-hot on texts. The network: MLPClassifier or MLPRegressor with layers
# of 64 and 32 and its own defaults, "plain"; "marked" is the same where the training part lacks numbers, with an input of 0 or 1 for each
# such column that says so (MissingIndicator), as the command has it; "stopped" is plain with early_stopping, n_iter_no_change 20 as the
# command has it; and a regressor's target is given as it is, and scaled (TransformedTargetRegressor with StandardScaler).

import csv
import json
import sys
import warnings

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

warnings.filterwarnings("ignore")


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def read(path, target):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name != target]
    return names, np.array([[row[name] for name in names] for row in rows], dtype=object), np.array([row[target] for row in rows])


def prepare(columns):
    numeric = [i for i in range(columns.shape[1]) if all(number(cell) is not None for cell in columns[:, i] if cell not in ("", "NA"))]
    text = [i for i in range(columns.shape[1]) if i not in numeric]
    parts = [
        ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numeric),
        ("texts", OneHotEncoder(handle_unknown="ignore"), text),
    ]
    marks = ("marks", MissingIndicator(error_on_new=False), numeric)
    return numeric, ColumnTransformer(parts, sparse_threshold=0), ColumnTransformer([*parts, marks], sparse_threshold=0)


def cells(columns, numeric):
    made = columns.copy()
    for i in numeric:
        made[:, i] = [np.nan if number(cell) is None else number(cell) for cell in columns[:, i]]
    return made


def score(folder):
    results = []
    for task in json.load(open(f"{folder}/tasks.json")):
        _, x, y = read(f"{folder}/{task['train']}", task["target"])
        _, x_test, y_test = read(f"{folder}/{task['test']}", task["target"])
        numeric, transformer, marking = prepare(x)
        x, x_test = cells(x, numeric), cells(x_test, numeric)
        layers = {"hidden_layer_sizes": (64, 32), "random_state": task["seed"]}
        stop = {"early_stopping": True, "n_iter_no_change": 20}
        if task["task"] == "classification":
            models = {"plain": MLPClassifier(**layers), "stopped": MLPClassifier(**layers, **stop)}
            measure = accuracy_score
        else:
            y, y_test = y.astype(float), y_test.astype(float)
            scaled = lambda **more: TransformedTargetRegressor(MLPRegressor(**layers, **more), transformer=StandardScaler())
            models = {"plain": MLPRegressor(**layers), "stopped": MLPRegressor(**layers, **stop), "scaled": scaled(), "scaled, stopped": scaled(**stop)}
            measure = r2_score
        run = lambda preparation, model: measure(y_test, make_pipeline(preparation, model).fit(x, y).predict(x_test))
        scores = {name: run(transformer, model) for name, model in models.items()}
        lacks = any(number(cell) is None for row in read(f"{folder}/{task['train']}", task["target"])[1] for cell in row[numeric])
        if lacks:
            scores["marked"] = run(marking, models["plain"])
        results.append({"name": task["name"], "seed": task["seed"], "scores": scores})
    print(json.dumps(results))


def data(path):
    from sklearn.datasets import load_breast_cancer
    bunch = load_breast_cancer()
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([name.replace(" ", "_") for name in bunch.feature_names] + ["class"])
        for row, label in zip(bunch.data, bunch.target):
            writer.writerow([repr(float(value)) for value in row] + [bunch.target_names[label]])


{"data": data, "score": score}[sys.argv[1]](sys.argv[2])
