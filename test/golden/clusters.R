# Goldens of clustered covariances: Rscript test/golden/clusters.R > test/golden/clusters.json
# Each fit quotes its call; goml is given `formula`, `weights`, `cluster` and the type. clubSandwich's CR1S is goml's `cluster`.
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(clubSandwich); library(lmtest); library(car) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
own <- function(name) sprintf("test/golden/data/%s.csv", name)
read <- function(file) read.csv(file, stringsAsFactors = TRUE, na.strings = c("", "NA"))
fitted_lm <- function(file, formula, weights) {
  data <- read(file)
  call <- sprintf("lm(%s, data%s)", formula, if (is.null(weights)) "" else paste0(", weights = ", weights))
  list(data = data, call = call, fit = eval(parse(text = call)))
}
table <- function(fit, v, df, names = NULL) {
  b <- coef(fit)[!is.na(coef(fit))]; se <- sqrt(diag(as.matrix(v))); t <- b / se; half <- qt(0.975, df) * se
  list(terms = I(if (is.null(names) || anyNA(coef(fit))) base::names(b) else names), stdError = I(unname(se)), df = I(unname(rep(df, length.out = length(b)))),
       p = I(unname(2 * pt(-abs(t), df))), lower = I(unname(b - half)), upper = I(unname(b + half)))
}
small <- function(file, formula, cluster, weights = NULL, hypotheses = NULL) {
  m <- fitted_lm(file, formula, weights); fit <- m$fit
  used <- m$data[as.integer(names(residuals(fit))), ]
  groups <- used[[cluster]]; G <- length(unique(groups))
  out <- list(file = file, call = m$call, formula = formula, weights = weights, cluster = cluster)
  # Errors of variance 1/w are of one variance in rows times sqrt(w): lm of those is the same fit. (clubSandwich of the
  # weighted lm with target 1/w has another of the roots that weights leave open.)
  if (!is.null(weights)) {
    root <- sqrt(used[[weights]]); X <- model.matrix(fit) * root; names <- colnames(X)
    fit <- lm(I(model.response(model.frame(fit)) * root) ~ X - 1); intercept <- TRUE
  } else { names <- names(coef(fit)); intercept <- attr(terms(fit), "intercept") == 1 }
  for (type in c("CR0", "CR1S", "CR2", "CR3")) {
    v <- vcovCR(fit, cluster = groups, type = type)
    satterthwaite <- coef_test(fit, v, test = "Satterthwaite")
    k <- length(coef(fit))
    slopes <- if (all(is.finite(coef(fit))) && k > 1) Wald_test(fit, constrain_zero((1 + intercept):k), v, test = "HTZ")
    joint <- lapply(hypotheses, function(at) {
      w <- Wald_test(fit, constrain_zero(at), v, test = "HTZ")
      list(zero = I(names[at]), f = w$Fstat, df1 = length(at), df2 = w$df_denom, p = w$p_val) })
    out[[if (type == "CR1S") "cluster1" else tolower(type)]] <- list(
      satterthwaite = table(fit, v, satterthwaite$df, names), kline = table(fit, v, G - 1, names),
      # NaN where the slopes are as many as the clusters tell: NULL here.
      wald = if (!is.null(slopes) && isTRUE(slopes$df_denom > 0)) list(f = slopes$Fstat, df2 = slopes$df_denom, p = slopes$p_val),
      joint = I(joint))
  }
  out
}
several <- function(file, formula, clusters) {
  m <- fitted_lm(file, formula, NULL); fit <- m$fit
  groups <- m$data[as.integer(names(residuals(fit))), clusters]
  # vcovCL(fit, cluster = groups, type = "HC1", fix = TRUE): each part by its own G/(G - 1)
  v <- vcovCL(fit, cluster = groups, type = "HC1", fix = TRUE)
  # The least G for all parts, as fixest and Stata have it.
  G <- sapply(groups, function(g) length(unique(g)))
  least <- vcovCL(fit, cluster = groups, type = "HC1", fix = FALSE, cadjust = FALSE) * min(G) / (min(G) - 1)
  negative <- any(eigen(least, symmetric = TRUE)$values < -1e-12 * max(diag(least)))
  if (negative) { e <- eigen(least, symmetric = TRUE); least <- e$vectors %*% (pmax(e$values, 0) * t(e$vectors)) }
  zero <- vcovCL(fit, cluster = groups, type = "HC0", fix = FALSE, cadjust = FALSE)
  list(file = file, call = m$call, formula = formula, clusters = I(clusters), groups = I(unname(G)), negative = negative,
       conventional = table(fit, v, min(G) - 1), least = table(fit, least, min(G) - 1),
       plain = if (all(eigen(zero, symmetric = TRUE)$values > 0)) table(fit, zero, min(G) - 1))
}
cps <- "data/cps-wages.csv"
cat(json(list(r = R.version.string, packages = lapply(c(clubSandwich = "clubSandwich", sandwich = "sandwich"),
  function(p) as.character(packageVersion(p))),
  small = I(list(
    small(own("hetero"), "y ~ x + z", "group", hypotheses = list(2:3, 3)),
    small(own("hetero"), "y ~ x + z", "group", weights = "w", hypotheses = list(2:3)),
    small(own("hetero"), "y ~ x + z - 1", "group"),
    # A level of the factor is a cluster by itself: the pseudo-inverse.
    small(own("minard"), "log10(size) ~ lon + direction", "division", hypotheses = list(2:3)),
    small(cps, "log(wage) ~ education * gender + experience", "occupation", hypotheses = list(3:4, 5, c(2, 5))),
    small(cps, "wage ~ education + union", "sector", hypotheses = list(2:3)))),
  several = I(list(
    several(cps, "log(wage) ~ education + experience + gender", c("occupation", "sector")),
    several(cps, "wage ~ education + union + married", c("occupation", "race")),
    several(own("hetero"), "y ~ x + z", c("group", "w")),
    several(cps, "log(wage) ~ education + gender + south", c("occupation", "sector", "race")))))), "\n", sep = "")
