# Rscript test/golden/instruments-hac.R > test/golden/instruments-hac.json   (R 4.2.2, AER 1.2-10, sandwich 3.0-2, jsonlite)
# Errors over time of two-stage least squares: sandwich's kernHAC and NeweyWest of an ivreg in the order of the rows; of a panel and by
# Driscoll and Kraay from the scores of the fit, written out.
suppressMessages({ library(AER); library(sandwich) })
source("test/golden/json.R")
# The data are those of instruments.json.
d <- as.data.frame(jsonlite::fromJSON("test/golden/instruments.json")$data$strong)
d$t <- rep(1:5, length.out = nrow(d))
errors <- function(V) unname(sqrt(diag(V)))
fits <- list(y ~ x + w | w + z1 + z2, y ~ x + x2 + w | w + z1 + z2 + z3, y ~ x + w - 1 | w + z1 + z2 - 1)
one <- function(f) {
  fit <- ivreg(f, data = d); S <- estfun(fit); n <- nrow(S); K <- ncol(S); A <- bread(fit) / n
  series <- function(keys, pairs) { # sum of weighted products over lags, within each series
    M <- matrix(0, K, K)
    for (l in -2:2) for (k in unique(keys)) {
      own <- pairs[keys == k, , drop = FALSE]; T <- nrow(own)
      a <- seq_len(T); b <- a - l; ok <- b >= 1 & b <= T
      M <- M + (1 - abs(l) / 3) * crossprod(own[a[ok], , drop = FALSE], own[b[ok], , drop = FALSE])
    }
    M
  }
  sums <- rowsum(S, d$t); T <- nrow(sums)
  list(
    names = names(coef(fit)),
    newey = errors(NeweyWest(fit, lag = 3, prewhite = FALSE, adjust = TRUE)),
    automatic = errors(NeweyWest(fit, prewhite = FALSE, adjust = TRUE)),
    automaticLag = floor(bwNeweyWest(fit, kernel = "Bartlett", prewhite = 0)),
    parzen = errors(kernHAC(fit, kernel = "Parzen", bw = 5, prewhite = FALSE, adjust = TRUE)),
    qs = errors(kernHAC(fit, kernel = "Quadratic Spectral", bw = bwNeweyWest(fit, kernel = "Quadratic Spectral", prewhite = 0), prewhite = FALSE, adjust = TRUE)),
    panel = errors(A %*% series(d$cl, S) %*% A * n / (n - K)),
    dk = errors(A %*% series(rep(1, T), sums) %*% A * (n - 1) / (n - K) * T / (T - 1)))
}
cat(json(lapply(fits, one)), "\n")
