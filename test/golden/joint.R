# Goldens of several targets and their joint tests: Rscript test/golden/joint.R > test/golden/joint.json
# lm(cbind(a, b, …) ~ …) target by target, summary(manova(fit), test = …)$stats, car::Manova(fit, type = 2), anova(small, fit, test = …).
source("test/golden/json.R")
suppressMessages(library(car))
invisible(Sys.setlocale("LC_COLLATE", "C"))
boston <- read.csv("data/boston.csv")
wages <- read.csv("data/cps-wages.csv", stringsAsFactors = TRUE)
# Rows of which some lack one target, or a term.
holes <- boston
holes$nox[c(2, 30, 31)] <- NA
holes$medv[c(30, 77)] <- NA
holes$rm[100] <- NA
data <- list(boston = boston, wages = wages, holes = holes)
tests <- c("Pillai", "Wilks", "Hotelling-Lawley", "Roy")
case <- function(formula, name, small = NULL, weights = NULL, manova2 = FALSE) {
  frame <- data[[name]]
  # The tests of R's anova() know no weights.
  if (!is.null(weights)) frame$.w <- frame[[weights]]
  lm <- function(formula, data) if (is.null(weights)) stats::lm(formula, data) else stats::lm(formula, data, weights = .w)
  manova <- function(formula, data) if (is.null(weights)) stats::manova(formula, data) else stats::manova(formula, data, weights = .w)
  fit <- lm(as.formula(formula), frame)
  w <- if (is.null(fit$weights)) 1 else fit$weights
  e <- sqrt(w) * residuals(fit)
  each <- summary(fit)
  # manova() is lm() of the class "manova"; a term that adds no column has no row in its table.
  own <- lapply(tests, function(test) {
    s <- summary(manova(as.formula(formula), frame), test = test)$stats
    lapply(seq_len(nrow(s) - 1), function(i) unname(s[i, ]))
  })
  names(own) <- tests
  result <- list(
    formula = formula, data = name, weights = if (is.null(weights)) "" else weights, n = nrow(residuals(fit)), df = fit$df.residual,
    targets = I(sapply(as.list(as.formula(formula)[[2]])[-1], deparse)), names = I(rownames(coef(fit))),
    coefficients = lapply(seq_len(ncol(coef(fit))), function(j) I(unname(coef(fit)[, j]))),
    se = lapply(each, function(s) I(unname(s$coefficients[, 2]))),
    sigma = I(unname(sapply(each, function(s) s$sigma))), r2 = I(unname(sapply(each, function(s) s$r.squared))),
    covariance = lapply(seq_len(ncol(coef(fit))), function(i) I(unname(crossprod(e)[i, ] / fit$df.residual))),
    terms = I(rownames(summary(manova(as.formula(formula), frame))$stats)[seq_along(own[[1]])]), tests = own)
  names(result$se) <- NULL
  if (manova2) {
    # Of car, the cross-products of each term; the statistics are computed from them as summary.manova() does.
    m <- Manova(fit, type = 2)
    result$type2 <- lapply(m$terms, function(t) {
      roots <- Re(eigen(qr.coef(qr(m$SSPE), m$SSP[[t]]), symmetric = FALSE)$values)
      q <- m$df[[t]]
      I(unname(rbind(stats:::Pillai(roots, q, m$error.df), stats:::Wilks(roots, q, m$error.df),
                     stats:::HL(roots, q, m$error.df), stats:::Roy(roots, q, m$error.df))))
    })
    names(result$type2) <- NULL
    result$type2 <- lapply(result$type2, function(x) lapply(1:4, function(i) I(x[i, ])))
  }
  if (!is.null(small)) {
    less <- lm(as.formula(small), frame)
    result$small <- small
    result$compared <- lapply(tests, function(test) {
      a <- anova(less, fit, test = test)
      I(unname(unlist(a[2, c(match(test, names(a)), match(c("approx F", "num Df", "den Df", "Pr(>F)"), names(a)))])))
    })
  }
  result
}
cases <- list(
  case("cbind(medv, nox) ~ rm + dis + chas", "boston", small = "cbind(medv, nox) ~ rm", manova2 = TRUE),
  case("cbind(log(medv), nox, lstat) ~ rm * dis + factor(rad)", "boston", small = "cbind(log(medv), nox, lstat) ~ rm + dis", manova2 = TRUE),
  case("cbind(medv, nox, lstat, crim) ~ rm", "boston"),
  case("cbind(medv, nox) ~ rm + dis - 1", "boston"),
  case("cbind(medv, nox) ~ poly(rm, 2) + I(dis > 3)", "boston"),
  case("cbind(medv, nox) ~ rm + dis", "holes"),
  case("cbind(medv, nox) ~ .", "boston"),
  case("cbind(medv, nox) ~ rm + I(2 * rm) + dis", "boston"),
  case("cbind(medv, lstat) ~ rm + dis", "boston", weights = "age"),
  case("cbind(medv, lstat) ~ rm + offset(2 * dis)", "boston"),
  case("cbind(wage, log(experience + 1)) ~ education + gender * occupation", "wages", manova2 = TRUE),
  case("cbind(wage, age) ~ C(occupation, sum) + gender", "wages"))
cat(json(list(r = R.version.string, car = as.character(packageVersion("car")), cases = cases)), "\n")
