# Goldens of the elastic net: Rscript test/golden/glmnet.R > test/golden/glmnet.json (glmnet of Debian's r-cran-glmnet)
# glmnet(x, y, weights, alpha, lambda, intercept, thresh = 1e-14), gaussian;
# cv.glmnet(..., foldid) for the choice of lambda. The data are made here.
source("test/golden/json.R")
suppressMessages(library(glmnet))
n <- 60; i <- seq_len(n)
x <- cbind(x1 = sin(i), x2 = cos(2 * i), x3 = sin(7 * i) + sin(i) / 2, x4 = (i * 37) %% 11, x5 = (i * 13) %% 17 - 4)
y <- 3 * x[, 1] - 2 * x[, 2] + 0.3 * x[, 4] + 0.1 * x[, 5] + sin(31 * i) + 5
w <- 1 + (i %% 4) / 2; foldid <- (i - 1) %% 5 + 1
fit <- function(alpha, lambdas, scale = 1, weights = NULL, intercept = TRUE) {
  m <- glmnet(x, y * scale, alpha = alpha, lambda = sort(lambdas * scale, decreasing = TRUE), weights = weights,
              intercept = intercept, thresh = 1e-14, maxit = 1e7)
  list(alpha = alpha, scale = scale, weighted = !is.null(weights), intercept = intercept, lambdas = I(m$lambda),
       coefficients = I(lapply(seq_along(m$lambda), function(l) I(unname(as.vector(coef(m))[(l - 1) * 6 + 1:6])))))
}
lambdas <- c(3, 0.5, 0.05, 0.001)
fits <- list()
for (alpha in c(0, 0.5, 1)) {
  fits <- c(fits, list(fit(alpha, lambdas), fit(alpha, lambdas, weights = w), fit(alpha, lambdas, intercept = FALSE),
                       fit(alpha, lambdas, scale = 1e5)))
}
cv <- lapply(c(0, 0.5, 1), function(alpha) {
  # Without lambda each fold would have a path of its own, between whose points cv.glmnet interpolates.
  m <- cv.glmnet(x, y, alpha = alpha, lambda = glmnet(x, y, alpha = alpha)$lambda, foldid = foldid, thresh = 1e-14, maxit = 1e7)
  list(alpha = alpha, lambda = I(m$lambda), cvm = I(unname(m$cvm)), cvsd = I(unname(m$cvsd)), min = m$lambda.min, oneSe = m$lambda.1se)
})
cat(json(list(r = R.version.string, glmnet = as.character(packageVersion("glmnet")), x = I(apply(x, 1, function(r) I(unname(r)), simplify = FALSE)),
  y = I(y), w = I(w), foldid = I(foldid), fits = fits, cv = cv)), "\n", sep = "")
