# Goldens of absorbed fixed effects: Rscript test/golden/absorb.R > test/golden/absorb.json
# Debian 12: R 4.2.2, plm 2.6-2, estimatr 1.0.0. Data are drawn here; the file holds them with the results.
# sandwich 3.0-2. Covariances are those of lm with all indicators (vcovHC, vcovCL), and estimatr's beside them.
suppressMessages({ library(plm); library(estimatr); library(sandwich) })
source("test/golden/json.R")

panel <- function(seed, n, firms, years, blocks = 1, singles = 0) {
  set.seed(seed)
  firm <- c(seq_len(firms), sample(firms, n - firms, replace = TRUE, prob = (firms:1)^2))
  # Firms of one block never share a year with those of another: the panel falls apart.
  year <- (firm %% blocks) + blocks * sample(years, n, replace = TRUE)
  x <- firm / 5 + rnorm(n)
  z <- x / 2 + year / 3 + rnorm(n)
  y <- 2 * x - z + sin(firm) + year / 4 + rnorm(n)
  w <- sample(4, n, replace = TRUE) / 2
  d <- data.frame(y = round(y, 6), x = round(x, 6), z = round(z, 6), w = w,
                  firm = sprintf("f%03d", firm), year = sprintf("y%02d", year),
                  region = sprintf("r%d", firm %% 9), stringsAsFactors = FALSE)
  if (singles > 0)
    for (k in seq_len(singles))
      d[nrow(d) + 1, ] <- list(round(rnorm(1), 6), round(rnorm(1), 6), round(rnorm(1), 6), 1, sprintf("s%03d", k), d$year[k], "r1")
  d
}

sets <- list(
  balanced = panel(1, 120, 20, 5), unbalanced = panel(2, 90, 25, 6), apart = panel(3, 100, 24, 4, blocks = 2),
  threeApart = panel(4, 120, 24, 4, blocks = 3), singletons = panel(5, 80, 20, 5, singles = 6),
  manyFirms = panel(6, 150, 70, 4), fewYears = panel(7, 60, 15, 2)
)

describe <- function(data, effects, terms, weighted) {
  d <- sets[[data]]
  fes <- paste0("factor(", effects, ")", collapse = " + ")
  full <- as.formula(paste("y ~", fes, "+", paste(terms, collapse = " + ")))
  d$.w <- if (weighted) d$w else 1
  fit <- lm(full, d, weights = .w)
  s <- summary(fit)
  null <- lm(as.formula(paste("y ~", fes)), d, weights = .w)
  rss <- sum(d$.w * resid(fit)^2)
  co <- s$coefficients[terms, , drop = FALSE]
  out <- list(
    call = sprintf("lm(y ~ %s + %s, %s%s)", fes, paste(terms, collapse = " + "), data, if (weighted) ", weights = w" else ""),
    data = data, effects = effects, terms = terms, weighted = weighted,
    estimates = unname(co[, 1]), errors = unname(co[, 2]), dfResidual = fit$df.residual, rss = rss,
    sigma = s$sigma, r2 = s$r.squared, withinR2 = 1 - rss / sum(d$.w * resid(null)^2),
    logLik = as.numeric(logLik(fit)), rank = fit$rank
  )
  errors <- function(v) unname(sqrt(diag(v)[terms]))
  single <- any(1 - hatvalues(fit) < 1e-10)
  for (type in c("HC0", "HC1", if (!single) c("HC2", "HC3")))
    out[[tolower(type)]] <- errors(vcovHC(fit, type = type))
  n <- nrow(d)
  for (cluster in c("firm", "year", "region")) {
    G <- length(unique(d[[cluster]]))
    # fixest's and reghdfe's K: effects of factors nested in the clusters do not count.
    crossed <- Filter(function(f) any(tapply(d[[cluster]], d[[f]], function(x) length(unique(x))) > 1), effects)
    dummies <- model.matrix(as.formula(paste("~", paste(c("1", sprintf("factor(%s)", crossed)), collapse = " + "))), d)
    K <- length(terms) + qr(dummies)$rank
    meat <- suppressWarnings(vcovCL(fit, cluster = d[[cluster]], type = "HC0", cadjust = FALSE))
    out[[cluster]] <- errors(meat * G / (G - 1) * (n - 1) / (n - K))
  }
  if (!weighted) {
    formula <- as.formula(paste("y ~", paste(terms, collapse = " + ")))
    absorbed <- as.formula(paste("~", paste(effects, collapse = " + ")))
    robust <- function(...) eval(bquote(lm_robust(.(formula), d, fixed_effects = .(absorbed), ...)))
    hc1 <- unname(robust(se_type = "HC1")$std.error)
    # estimatr counts Q - 1 constants however many components the panel has.
    if (length(effects) == 1) stopifnot(max(abs(hc1 / out$hc1 - 1)) < 1e-9)
    cr0 <- unname(robust(clusters = year, se_type = "CR0")$std.error)
    stopifnot(max(abs(cr0 / errors(suppressWarnings(vcovCL(fit, cluster = d$year, type = "HC0", cadjust = FALSE))) - 1)) < 1e-9)
  }
  rows <- 1:8
  p <- suppressWarnings(predict(fit, d[rows, ], se.fit = TRUE, interval = "confidence"))
  out$se <- unname(p$se.fit)
  out$lower <- unname(p$fit[, "lwr"])
  out$leverage <- unname(hatvalues(fit)[rows])
  if (!weighted && length(effects) == 1 && effects == "firm") {
    p <- plm(as.formula(paste("y ~", paste(terms, collapse = " + "))), d, index = "firm", model = "within")
    stopifnot(max(abs(coef(p) - out$estimates)) < 1e-9)
    out$plm <- unname(sqrt(diag(vcov(p))))
  }
  out
}

cases <- list()
for (data in names(sets))
  for (effects in list("firm", c("firm", "year"), "year"))
    for (weighted in c(FALSE, TRUE))
      cases[[length(cases) + 1]] <- describe(data, effects, if (length(cases) %% 3 == 2) "x" else c("x", "z"), weighted)

cat(json(list(r = R.version.string, sets = sets, cases = cases)))
