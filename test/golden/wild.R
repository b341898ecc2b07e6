# Goldens of the wild cluster bootstrap: Rscript test/golden/wild.R > test/golden/wild.json
# No package for it is in Debian, so this is the definition (Roodman, MacKinnon, Nielsen & Webb 2019, section 3), row by row: for H0:
# beta_k = r, residuals of the restricted fit times +-1 by cluster, all 2^G ways, t by the cluster-robust variance; p is the
# share of |t*| that exceeds |t|, and the interval is where p(r) crosses 0.05. Finite-sample factors cancel.
source("test/golden/json.R")
suppressMessages(library(sandwich))
invisible(Sys.setlocale("LC_COLLATE", "C"))
set.seed(11)
G <- 8; n <- 96
group <- rep(sprintf("g%d", 1:G), times = c(20, 4, 9, 15, 12, 8, 10, 18))
own <- rnorm(G); slope <- rnorm(G, sd = 0.3)
at <- match(group, sprintf("g%d", 1:G))
data <- data.frame(group = group, x = round(rnorm(n) + 0.5 * own[at], 3), z = round(runif(n) * (1 + at %% 3), 3),
                   w = round(0.5 + runif(n), 2))
data$y <- round(1 + (0.5 + slope[at]) * data$x + 0.3 * data$z + own[at] + rnorm(n), 4)
signs <- as.matrix(expand.grid(rep(list(c(-1, 1)), G)))
wild <- function(formula, weights) {
  fit <- lm(as.formula(formula), data); root <- if (weights) sqrt(data$w) else rep(1, n)
  X <- model.matrix(fit) * root; y <- data$y * root
  bread <- solve(crossprod(X)); beta <- drop(bread %*% crossprod(X, y))
  k <- ncol(X); W <- signs[, at]
  tOf <- function(Y, column, r) {
    # t of every column of Y: the cluster sums of (X bread_k) e, squared.
    B <- bread %*% crossprod(X, Y); E <- Y - X %*% B
    sums <- rowsum(drop(X %*% bread[, column]) * E, group)
    (B[column, ] - r) / sqrt(colSums(sums^2))
  }
  p <- function(column, r) {
    keep <- setdiff(seq_len(k), column)
    rest <- lm.fit(X[, keep, drop = FALSE], y - r * X[, column])
    fitted <- y - rest$residuals
    t <- tOf(cbind(y), column, r); draws <- tOf(fitted + t(W) * rest$residuals, column, r)
    mean(abs(draws) > abs(t) * (1 + 1e-9))
  }
  cross <- function(column, side) {
    inside <- 0; outside <- abs(beta[column]) / 10 + 0.1
    while (p(column, beta[column] + side * outside) >= 0.05) { inside <- outside; outside <- 2 * outside; if (outside > 1e9) return(NA) }
    for (i in 1:60) { m <- (inside + outside) / 2; if (p(column, beta[column] + side * m) >= 0.05) inside <- m else outside <- m }
    beta[column] + side * inside
  }
  list(formula = formula, weights = if (weights) "w", terms = I(colnames(X)), estimate = I(unname(beta)),
       p = I(sapply(seq_len(k), p, r = 0)), half = I(sapply(seq_len(k), p, r = 0.5)),
       lower = I(unname(sapply(seq_len(k), cross, side = -1))), upper = I(unname(sapply(seq_len(k), cross, side = 1))))
}
# The jackknife by its definition: fits without one row, and without one cluster, about the fit of all.
jackknife <- function(formula) {
  fit <- lm(as.formula(formula), data)
  without <- function(sets) { d <- sapply(sets, function(s) coef(lm(as.formula(formula), data[-s, ])) - coef(fit))
    m <- length(sets); sqrt(diag((m - 1) / m * tcrossprod(d))) }
  list(formula = formula, rows = I(unname(without(as.list(seq_len(n))))), clusters = I(unname(without(split(seq_len(n), group)))))
}
cat(json(list(r = R.version.string, columns = lapply(data, I), wild = I(list(wild("y ~ x + z", FALSE), wild("y ~ x + z", TRUE), wild("y ~ x - 1", FALSE))),
  jackknife = I(list(jackknife("y ~ x + z"), jackknife("y ~ x"))))), "\n", sep = "")
