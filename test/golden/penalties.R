# Goldens of penalty factors, bounds and relaxed fits: Rscript test/golden/penalties.R > test/golden/penalties.json
# (glmnet of Debian's r-cran-glmnet). The data are those of glmnet.R. Calls, gaussian, thresh = 1e-14:
#   glmnet(x, y, weights, alpha, lambda, intercept, penalty.factor, lower.limits, upper.limits)
#   glmnet(..., relax = TRUE), of which the coefficients of $relaxed are kept: gamma = 0
#   glmnet(x, y, alpha, penalty.factor, lower.limits)$lambda, the default path
#   cv.glmnet(..., relax = TRUE, gamma, foldid) and its choices; it takes 1e-5 for gamma = 0
source("test/golden/json.R")
suppressMessages(library(glmnet))
n <- 60; i <- seq_len(n)
x <- cbind(x1 = sin(i), x2 = cos(2 * i), x3 = sin(7 * i) + sin(i) / 2, x4 = (i * 37) %% 11, x5 = (i * 13) %% 17 - 4)
y <- 3 * x[, 1] - 2 * x[, 2] + 0.3 * x[, 4] + 0.1 * x[, 5] + sin(31 * i) + 5
w <- 1 + (i %% 4) / 2; foldid <- (i - 1) %% 5 + 1
inf <- function(v) lapply(v, function(b) if (is.finite(b)) b else NA)
none <- rep(Inf, 5)
cases <- list(
  factors = list(factor = c(1, 0, 2, 0.5, 1), lower = -none, upper = none),
  positive = list(factor = rep(1, 5), lower = rep(0, 5), upper = none),
  box = list(factor = rep(1, 5), lower = c(-Inf, -1, -0.01, 0, -Inf), upper = c(1.5, Inf, 0.02, Inf, 0.05)),
  both = list(factor = c(0, 1, 1, 3, 0), lower = c(-Inf, -0.5, -Inf, 0, -Inf), upper = c(2, 0, Inf, 0.2, Inf)))
lambdas <- c(3, 0.5, 0.05, 0.001, 0)
coefs <- function(a0, beta) I(lapply(seq_along(a0), function(l) I(unname(c(a0[l], beta[, l])))))
fits <- list()
for (name in names(cases)) for (alpha in c(0, 0.5, 1)) for (variant in c("plain", "weights", "origin", "large")) {
  case <- cases[[name]]
  scale <- if (variant == "large") 1e5 else 1
  weights <- if (variant == "weights") w
  m <- glmnet(x, y * scale, alpha = alpha, lambda = lambdas * scale, weights = weights,
              intercept = variant != "origin", penalty.factor = case$factor, lower.limits = case$lower * scale,
              upper.limits = case$upper * scale, relax = TRUE, thresh = 1e-14, maxit = 1e7)
  fits <- c(fits, list(list(name = name, alpha = alpha, variant = variant, scale = scale, factor = I(case$factor),
    lower = I(inf(case$lower)), upper = I(inf(case$upper)), lambdas = I(m$lambda), coefficients = coefs(m$a0, m$beta),
    relaxed = coefs(m$relaxed$a0, m$relaxed$beta))))
}
paths <- list()
for (name in names(cases)) for (alpha in c(0, 0.5, 1)) for (intercept in c(TRUE, FALSE)) {
  case <- cases[[name]]
  m <- glmnet(x, y, alpha = alpha, intercept = intercept, penalty.factor = case$factor, lower.limits = case$lower, upper.limits = case$upper,
              thresh = 1e-14, maxit = 1e7)
  paths <- c(paths, list(list(name = name, alpha = alpha, intercept = intercept, factor = I(case$factor), lower = I(inf(case$lower)),
    upper = I(inf(case$upper)), lambda = I(m$lambda[1:20]))))
}
gamma <- c(0, 0.25, 0.5, 0.75, 1)
cv <- list()
for (name in names(cases)) for (alpha in c(0.5, 1)) for (weighted in c(FALSE, TRUE)) {
  case <- cases[[name]]
  weights <- if (weighted) w else rep(1, n)
  own <- glmnet(x, y, weights = weights, alpha = alpha, penalty.factor = case$factor, lower.limits = case$lower,
                upper.limits = case$upper, thresh = 1e-14, maxit = 1e7)$lambda[seq(1, 40, by = 3)]
  m <- cv.glmnet(x, y, weights = weights, alpha = alpha, lambda = own, foldid = foldid, relax = TRUE, gamma = gamma, penalty.factor = case$factor,
                 lower.limits = case$lower, upper.limits = case$upper, thresh = 1e-14, maxit = 1e7)
  r <- m$relaxed
  cv <- c(cv, list(list(name = name, alpha = alpha, weighted = weighted, factor = I(case$factor), lower = I(inf(case$lower)), upper = I(inf(case$upper)),
    lambda = I(m$lambda), gamma = I(r$gamma),
    cvm = I(lapply(r$statlist, function(s) I(unname(s$cvm)))), cvsd = I(lapply(r$statlist, function(s) I(unname(s$cvsd)))),
    min = I(c(r$lambda.min, r$gamma.min)), oneSe = I(c(r$lambda.1se, r$gamma.1se)))))
}
cat(json(list(r = R.version.string, glmnet = as.character(packageVersion("glmnet")),
  x = I(apply(x, 1, function(r) I(unname(r)), simplify = FALSE)), y = I(y), w = I(w), foldid = I(foldid), fits = I(fits), paths = I(paths),
  cv = I(cv))), "\n", sep = "")
