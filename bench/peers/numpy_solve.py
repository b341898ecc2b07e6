# Solves a symmetric system of the given order by NumPy; prints the seconds and a sum of the solution. The entries are
# those of goml_solve.js.
import json
import sys
import time

import numpy as np

k = int(sys.argv[1])
i = np.arange(k)
a = np.sin(i[:, None] * 7 + i[None, :] * 13) / k
a = np.tril(a, -1)
a = a + a.T + np.eye(k)
b = np.cos(i)
start = time.perf_counter()
x = np.linalg.solve(a, b)
print(json.dumps({"seconds": time.perf_counter() - start, "sum": float(x @ b)}))
