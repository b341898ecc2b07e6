# Rscript test/golden/lasso-kin.R > test/golden/lasso-kin.json   (r-cran-nnls, r-cran-glmnet)
# Non-negative least squares by nnls, with and without a free intercept; the adaptive lasso by glmnet with penalty factors from lm;
# least angle regression by the formulas of Efron, Hastie, Johnstone & Tibshirani 2004, sections 2 and 3.
suppressMessages({library(nnls); library(glmnet)})
source("test/golden/json.R")
d <- read.csv("data/boston.csv")
X <- as.matrix(d[, names(d) != "medv"]); y <- d$medv; n <- nrow(X)
plain <- nnls(X, y)
# A free intercept is what is left of the means.
Xc <- scale(X, scale = FALSE); free <- nnls(Xc, y - mean(y))
sd0 <- apply(X, 2, function(x) sqrt(mean((x - mean(x))^2)))
ols <- coef(lm(medv ~ ., d))[-1]
pf <- 1 / abs(ols * sd0)
lambdas <- c(2, 0.5, 0.1)
adaptive <- glmnet(X, y, lambda = lambdas, penalty.factor = pf, thresh = 1e-20, maxit = 1e7)
# The same in closed form: on the terms A that glmnet leaves, with their signs s, standardised Z'Z b = Z'y - n lambda w s, by QR.
Z <- sweep(Xc, 2, sd0, "/"); w <- pf * ncol(X) / sum(pf)
exact <- lapply(seq_along(lambdas), function(i) {
  b <- as.vector(coef(adaptive)[-1, i]); A <- which(b != 0); Q <- qr(Z[, A]); R <- qr.R(Q)
  pull <- n * lambdas[i] * backsolve(R, (w[A] * sign(b[A]))[Q$pivot], transpose = TRUE)
  out <- rep(0, ncol(X)); at <- A[Q$pivot]
  out[at] <- backsolve(R, qr.qty(Q, y - mean(y))[seq_along(A)] - pull) / sd0[at]
  c(mean(y) - sum(out * colMeans(X)), out)
})
lars <- function(X, y, lasso) {
  X <- scale(X, scale = FALSE); norm <- sqrt(colSums(X^2)); X <- sweep(X, 2, norm, "/"); y <- y - mean(y)
  p <- ncol(X); beta <- rep(0, p); active <- integer(0); dropped <- FALSE; steps <- list()
  repeat {
    cor <- as.vector(t(X) %*% (y - X %*% beta)); C <- max(abs(cor))
    if (!dropped) {
      inactive <- setdiff(seq_len(p), active)
      if (length(inactive) == 0 || C < 1e-9) break
      active <- c(active, inactive[which.max(abs(cor[inactive]))])
    }
    s <- sign(cor[active]); XA <- sweep(X[, active, drop = FALSE], 2, s, "*")
    G <- solve(t(XA) %*% XA, rep(1, length(active))); A <- 1 / sqrt(sum(G)); w <- A * G
    u <- as.vector(XA %*% w); a <- as.vector(t(X) %*% u)
    rest <- setdiff(seq_len(p), active)
    g <- c((C - cor[rest]) / (A - a[rest]), (C + cor[rest]) / (A + a[rest])); g <- g[g > 1e-12]
    gamma <- min(g, C / A); dropped <- FALSE
    direction <- s * w
    if (lasso) {
      cross <- -beta[active] / direction; cross[cross <= 1e-12] <- Inf
      if (min(cross) < gamma) { gamma <- min(cross); dropped <- TRUE; out <- active[which.min(cross)] }
    }
    beta[active] <- beta[active] + gamma * direction
    if (dropped) { beta[out] <- 0; active <- setdiff(active, out) }
    steps[[length(steps) + 1]] <- list(correlation = C, coefficients = unname(beta / norm))
    if (length(active) == p && !dropped) break
  }
  steps
}
cat(json(list(
  nnls = plain$x, deviance = plain$deviance, free = free$x, freeDeviance = free$deviance,
  lambdas = lambdas, adaptive = lapply(seq_along(lambdas), function(i) unname(as.vector(coef(adaptive)[, i]))),
  exact = exact,
  lar = lars(X, y, FALSE), lasso = lars(X, y, TRUE)
)), "\n")
