# python3 test/golden/cv-kinds.py > test/golden/cv-kinds.json
# Out-of-fold errors by scikit-learn's splitters; columns of numbers alone, so that scikit-learn needs no coding.
import json
import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold, LeaveOneGroupOut, LeaveOneOut, TimeSeriesSplit

rng = np.random.default_rng(7)
n = 137
x = np.round(rng.normal(size=(n, 3)), 3)
sizes = [31, 29, 23, 19, 14, 11, 7, 3]
g = rng.permutation(np.repeat(np.arange(1, 9), sizes))
t = rng.permutation(np.arange(1900, 1900 + n))
y = np.round(1 + x @ [1.0, -2.0, 0.5] + 0.3 * g + 0.01 * (t - 1900) + rng.normal(size=n), 3)


def errors(splitter, groups=None, order=None):
    order = np.arange(n) if order is None else order
    X, Y = x[order], y[order]
    own = None if groups is None else groups[order]
    folds = []
    for train, test in splitter.split(X, Y, own):
        e = Y[test] - LinearRegression().fit(X[train], Y[train]).predict(X[test])
        folds.append({"n": len(test), "mse": float(np.mean(e**2))})
    return folds


print(json.dumps({
    "sklearn": sklearn.__version__,
    "rows": [[*map(float, x[i]), int(g[i]), int(t[i]), float(y[i])] for i in range(n)],
    "loo": errors(LeaveOneOut()),
    "logo": errors(LeaveOneGroupOut(), g),
    "groupKFold": errors(GroupKFold(3), g),
    "time": errors(TimeSeriesSplit(5), order=np.argsort(t)),
    "time4": errors(TimeSeriesSplit(4), order=np.argsort(t)),
}))
