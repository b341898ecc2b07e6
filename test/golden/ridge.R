# Goldens of ridge in src/linear/penalty/elastic-net.ts: Rscript test/golden/ridge.R > test/golden/ridge.json
# MASS scales columns by their standard deviation with divisor n and penalizes n times goml's lambda.
source("test/golden/json.R")
lambdas <- c(0, 0.01, 0.5, 10)
fit <- MASS::lm.ridge(Employed ~ ., longley, lambda = nrow(longley) * lambdas)
cat(json(list(r = R.version.string, call = "MASS::lm.ridge(Employed ~ ., longley, lambda = n * lambdas)", lambdas = lambdas,
  data = as.list(longley), coefficients = I(lapply(seq_along(lambdas), function(i) unname(coef(fit)[i, ]))))), "\n", sep = "")
