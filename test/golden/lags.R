# Goldens of lag(), lead() and diff(): Rscript test/golden/lags.R > test/golden/lags.json
source("test/golden/json.R")
suppressMessages(library(plm))
invisible(Sys.setlocale("LC_COLLATE", "C"))
set.seed(16)
panel <- expand.grid(firm = sprintf("f%02d", 1:15), year = 2001:2014, stringsAsFactors = FALSE)
panel$x <- round(rnorm(210), 3)
panel$z <- round(exp(rnorm(210)), 3)
panel$w <- sample(1:4, 210, replace = TRUE)
panel$y <- round(1 + 0.5 * panel$x + rnorm(210), 4)
# In no order, with years that firms lack, with values that are missing, and rows of no firm or year.
panel <- panel[sample(210, 180), ]
panel$x[c(5, 60, 61)] <- NA
panel$y[c(9, 77)] <- NA
panel$firm[c(20, 100)] <- NA
panel$year[c(33, 100, 150)] <- NA
# What a row's unit had k earlier, by the value of time: what fixest's l(x, k), f(x, k) and d(x, k) are by default (panel.id).
lagged <- function(x, k) {
  at <- match(paste(panel$firm, panel$year - k), paste(panel$firm, panel$year))
  at[is.na(panel$firm) | is.na(panel$year)] <- NA
  x[at]
}
by_hand <- list(lag = lagged, lead = function(x, k) lagged(x, -k), diff = function(x, k) x - lagged(x, k))
columns <- function(name, x, k = 1) sapply(k, function(one) by_hand[[name]](x, one))
with_lags <- list2env(list(lag = function(x, k = 1) columns("lag", x, k), lead = function(x, k = 1) columns("lead", x, k),
                           diff = function(x, k = 1) columns("diff", x, k)), parent = globalenv())
indexed <- pdata.frame(panel[!is.na(panel$firm) & !is.na(panel$year), ], index = c("firm", "year"))
fits <- lapply(c(
  "y ~ lag(y)", "y ~ lag(x, 1:3)", "y ~ lag(y, 2) + x + lead(x)", "diff(y) ~ diff(x)", "y ~ diff(log(z)) + lag(log(z), 2)",
  "diff(log(z)) ~ lag(x)", "y ~ log(lag(z)) * x", "y ~ diff(x, 2) + lag(x, -1:1)", "lead(y) ~ y + x"), function(text) {
  f <- as.formula(text, env = with_lags)
  own <- lm(f, panel)
  # The same by plm, which has lag() by time's value too (shift = "time").
  other <- plm(as.formula(text), indexed, model = "pooling")
  stopifnot(all.equal(unname(coef(own)), unname(coef(other)), tolerance = 1e-10), nobs(own) == nobs(other))
  weighted <- lm(f, panel, weights = w)
  list(formula = text, n = nobs(own), coefficients = I(unname(coef(own))), errors = I(unname(sqrt(diag(vcov(own))))),
       weighted = I(unname(coef(weighted))), names = I(names(coef(other))))
})
within <- lapply(c("y ~ lag(y) + x", "y ~ lag(x) + diff(log(z))"), function(text) {
  fit <- plm(as.formula(text), indexed, model = "within")
  list(formula = text, n = nobs(fit), coefficients = I(unname(coef(fit))), errors = I(unname(sqrt(diag(vcov(fit))))))
})
cat(json(list(r = R.version.string, plm = as.character(packageVersion("plm")),
  columns = list(firm = I(panel$firm), year = I(panel$year), x = I(panel$x), z = I(panel$z), w = I(panel$w), y = I(panel$y)),
  fits = I(fits), within = I(within))), "\n", sep = "")
