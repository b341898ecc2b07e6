# pandas reads, scikit-learn predicts with given coefficients, pandas writes.
import json
import sys

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

theta = json.load(open(sys.argv[2]))
data = pd.read_csv(sys.argv[1])
model = LinearRegression()
model.coef_ = np.array(theta[1:])
model.intercept_ = theta[0]
prediction = model.predict(data.iloc[:, : len(theta) - 1].to_numpy())
pd.DataFrame({"prediction": prediction}).to_csv(sys.argv[3], index=False)
