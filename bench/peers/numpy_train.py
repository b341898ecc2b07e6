# NumPy: loadtxt, then the normal equation.
import json
import sys

import numpy as np

data = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1)
X = np.column_stack([np.ones(len(data)), data[:, :-1]])
print(json.dumps(np.linalg.solve(X.T @ X, X.T @ data[:, -1]).tolist()))
