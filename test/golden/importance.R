# Goldens of importance: Rscript test/golden/importance.R > test/golden/importance.json
# relaimpo is not at hand: lmg is the mean over all orders of the terms of what each adds to R2, by all subsets of terms.
source("test/golden/json.R")
suppressMessages(library(car))
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(file, target, terms, weights = NULL, intercept = TRUE) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  formula <- function(t) paste(target, "~", if (intercept) "1" else "0", paste0(" + ", t, collapse = ""))
  fit_of <- function(t) {
    f <- if (length(t)) formula(t) else paste(target, "~", if (intercept) "1" else "0")
    eval(parse(text = sprintf("lm(%s, data%s)", f, if (is.null(weights)) "" else paste0(", weights = ", weights))))
  }
  r2 <- function(t) if (length(t) == 0) 0 else summary(fit_of(t))$r.squared
  p <- length(terms); sets <- lapply(0:(2^p - 1), function(s) which(bitwAnd(s, 2^(0:(p - 1))) > 0))
  of <- vapply(sets, function(s) r2(terms[s]), 0)
  share <- vapply(1:p, function(k) sum(vapply(which(vapply(sets, function(s) !(k %in% s), NA)), function(i) {
    s <- length(sets[[i]]); factorial(s) * factorial(p - s - 1) / factorial(p) * (of[i + 2^(k - 1)] - of[i]) }, 0)), 0)
  fit <- fit_of(terms); w <- if (is.null(weights)) rep(1, nobs(fit)) else fit$weights
  X <- model.matrix(fit); y <- model.response(model.frame(fit))
  spread <- function(v) sqrt(sum(w * (v - if (intercept) weighted.mean(v, w) else 0)^2))
  keep <- colnames(X) != "(Intercept)"
  ss <- Anova(fit, type = 2)$`Sum Sq`; rss <- tail(ss, 1); ss <- head(ss, -1); tss <- rss / (1 - summary(fit)$r.squared)
  list(file = file, call = deparse(fit$call), formula = formula(terms), weights = weights, terms = I(terms),
       beta = I(unname(coef(fit)[keep] * apply(X[, keep, drop = FALSE], 2, spread) / spread(y))),
       partialR2 = I(ss / (ss + rss)), semiPartialR2 = I(ss / tss), share = I(share), r2 = summary(fit)$r.squared)
}
cat(json(list(
  ask("data/boston.csv", "medv", c("lstat", "rm", "nox", "dis", "ptratio", "chas")),
  ask("data/cps-wages.csv", "log(wage)", c("education", "occupation", "gender", "poly(experience, 2, raw = TRUE)")),
  ask("data/cps-wages.csv", "wage", "education"),
  ask("test/golden/data/hetero.csv", "y", c("x", "z", "group"), weights = "w"),
  ask("data/boston.csv", "medv", c("lstat", "rm", "age"), intercept = FALSE))), "\n")
