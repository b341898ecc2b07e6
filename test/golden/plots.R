# Goldens of the plots of a fit: Rscript test/golden/plots.R > test/golden/plots.json
# What plot.lm draws (R 4.2.2, stats:::plot.lm): residuals against fitted, qqnorm and qqline of rstandard, the root of
# |rstandard|, and hatvalues, with panel.smooth's lowess(x, y, f = 2/3, iter = 3); Cook's contours; termplot's
# partial residuals. The band is that of the ordered values, qnorm(qbeta(...)).
source("test/golden/json.R")
smooth <- function(x, y) { ok <- is.finite(x) & is.finite(y); l <- lowess(x[ok], y[ok], f = 2/3, iter = 3)
  list(x = I(l$x), y = I(l$y)) }
describe <- function(file, formula, weights = NULL) {
  data <- read.csv(file, stringsAsFactors = TRUE, na.strings = c("", "NA"))
  call <- sprintf("lm(%s, data%s)", formula, if (is.null(weights)) "" else paste0(", weights = ", weights))
  fit <- eval(parse(text = call))
  fitted <- unname(fitted(fit)); residual <- unname(resid(fit)); leverage <- unname(hatvalues(fit))
  rs <- unname(suppressWarnings(rstandard(fit))); rs[leverage >= 1 - 1e-10] <- NaN
  ok <- is.finite(rs); n <- sum(ok)
  qq <- qqnorm(rs[ok], plot.it = FALSE); order <- order(rs[ok])
  slope <- diff(quantile(rs[ok], c(.25, .75), names = FALSE)) / diff(qnorm(c(.25, .75)))
  i <- seq_len(n); hh <- c(0.05, 0.2, 0.5); p <- fit$rank
  partial <- residuals(fit, "partial")
  list(file = file, call = call, formula = formula, weights = weights,
       fitted = I(fitted), residual = I(residual), leverage = I(leverage), rstandard = I(rs),
       cooks = I(unname(cooks.distance(fit))),
       residuals = smooth(fitted, residual), scale = smooth(fitted, sqrt(abs(rs))), influence = smooth(leverage, rs),
       qq = list(x = I(qq$x[order]), y = I(qq$y[order]), slope = slope,
                 intercept = quantile(rs[ok], .25, names = FALSE) - slope * qnorm(.25),
                 lower = I(qnorm(qbeta(0.025, i, n - i + 1))), upper = I(qnorm(qbeta(0.975, i, n - i + 1)))),
       # The contour of Cook's distance 0.5 at leverages hh: sqrt(crit * p * (1 - hh) / hh)
       contour = list(leverage = I(hh), rstandard = I(sqrt(0.5 * p * (1 - hh) / hh))),
       terms = lapply(setNames(colnames(partial), colnames(partial)), function(t) I(unname(partial[, t]))))
}
own <- function(name) sprintf("test/golden/data/%s.csv", name)
set.seed(20261127)
x <- sort(round(c(runif(150, 0, 10), rep(5, 20)), 2)); y <- round(sin(x) + rnorm(170, 0, 0.3), 3); y[c(20, 90)] <- 8
cat(json(list(r = R.version.string,
  lowess = list(x = I(x), y = I(y), smooth = I(lowess(x, y)$y), span = I(lowess(x, y, f = 0.2, iter = 0)$y),
                few = I(lowess(1:3, c(1, 5, 2))$y)),
  fits = list(describe("data/cps-wages.csv", "wage ~ education + experience + gender"),
              describe(own("hetero"), "y ~ x + z", weights = "w"),
              describe(own("anscombe"), "y ~ x"),
              describe(own("minard"), "size ~ lon + lat + division"),
              describe(own("venus"), "residual ~ 1")))), "\n", sep = "")
