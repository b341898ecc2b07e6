# pandas reads, scikit-learn fits; prints the coefficients, the intercept first.
import json
import sys

import pandas as pd
from sklearn.linear_model import LinearRegression

data = pd.read_csv(sys.argv[1])
model = LinearRegression().fit(data.iloc[:, :-1], data.iloc[:, -1])
print(json.dumps([float(model.intercept_), *map(float, model.coef_)]))
