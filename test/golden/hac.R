# Goldens of errors that correlate over time: Rscript test/golden/hac.R > test/golden/hac.json
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(plm); library(lmtest) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
trend <- read.csv("test/golden/data/trend.csv")
errors <- function(v) I(unname(sqrt(diag(v))))
K <- c(bartlett = "Bartlett", parzen = "Parzen", qs = "Quadratic Spectral")
series <- function(formula) {
  fit <- lm(as.formula(formula), trend)
  cases <- list()
  for (kernel in names(K)) for (lag in c(0, 1, 4, 9)) {
    # kernHAC(fit, bw = lag + 1, kernel, prewhite = FALSE, adjust = FALSE); Bartlett's is NeweyWest(fit, lag, prewhite = FALSE)
    v <- kernHAC(fit, bw = lag + 1, kernel = K[[kernel]], prewhite = FALSE, adjust = FALSE)
    if (kernel == "bartlett") stopifnot(all.equal(unname(v), unname(NeweyWest(fit, lag = lag, prewhite = FALSE)), tolerance = 1e-12))
    adjusted <- kernHAC(fit, bw = lag + 1, kernel = K[[kernel]], prewhite = FALSE, adjust = TRUE)
    cases <- c(cases, list(list(kernel = kernel, lag = lag, plain = errors(v), adjusted = errors(adjusted),
                                p = I(unname(coeftest(fit, vcov. = adjusted)[, 4])))))
  }
  automatic <- lapply(names(K), function(kernel) {
    # bwNeweyWest(fit, kernel, prewhite = 0); NeweyWest takes the whole part as the lag.
    bw <- bwNeweyWest(fit, kernel = K[[kernel]], prewhite = 0)
    if (kernel == "bartlett") bw <- floor(bw) + 1
    list(kernel = kernel, bandwidth = bw, plain = errors(kernHAC(fit, bw = bw, kernel = K[[kernel]], prewhite = FALSE, adjust = FALSE)))
  })
  list(formula = formula, terms = I(names(coef(fit))), cases = I(cases), automatic = I(automatic))
}
# A panel of 12 firms over 20 years, some of whose rows are missing, in no order.
set.seed(7)
panel <- expand.grid(firm = sprintf("f%02d", 1:12), year = 1991:2010, stringsAsFactors = FALSE)
own <- rnorm(12); shock <- arima.sim(list(ar = 0.6), 20)
panel$x <- round(rnorm(240) + own[match(panel$firm, sprintf("f%02d", 1:12))], 3)
panel$z <- round(as.numeric(arima.sim(list(ar = 0.5), 240)), 3)
panel$y <- round(1 + 2 * panel$x - panel$z + shock[panel$year - 1990] + own[match(panel$firm, sprintf("f%02d", 1:12))] + rnorm(240), 4)
whole <- panel[sample(240), ]
gaps <- whole[-c(3, 50, 51, 99, 160, 201), ]
describe <- function(data, model) {
  fit <- plm(y ~ x + z, data, index = c("firm", "year"), model = model)
  lapply(c(0, 1, 3), function(lag) list(lag = lag,
    # vcovNW(fit, maxlag = lag, type = "HC0") and vcovSCC(fit, maxlag = lag, type = "HC0")
    nw = errors(vcovNW(fit, maxlag = lag, type = "HC0")), dk = errors(vcovSCC(fit, maxlag = lag, type = "HC0"))))
}
panels <- lapply(list(whole = whole, gaps = gaps), function(data) list(
  columns = list(firm = I(data$firm), year = I(data$year), x = I(data$x), z = I(data$z), y = I(data$y)),
  pooling = I(describe(data, "pooling")), within = I(describe(data, "within"))))
cat(json(list(r = R.version.string, packages = lapply(c(sandwich = "sandwich", plm = "plm"), function(p) as.character(packageVersion(p))),
  series = I(list(series("output ~ t + sun"), series("output ~ sun"), series("output ~ t + sun - 1"))), panels = panels)), "\n", sep = "")
