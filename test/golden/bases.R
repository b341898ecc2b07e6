# Goldens of what formulas make of numbers: Rscript test/golden/bases.R > test/golden/bases.json
# Columns and names of model.matrix() for conditions, cut() and choices among values, and for bases that depend on the data.
source("test/golden/json.R")
suppressMessages(library(splines))
invisible(Sys.setlocale("LC_COLLATE", "C"))
set.seed(31)
n <- 40
frame <- function() data.frame(
  y = round(rexp(n) + 0.1, 3), x = round(rnorm(n), 3), z = round(runif(n, 1, 9), 2), w = round(rexp(n) + 0.01, 4),
  year = sample(1990:2024, n, TRUE), age = sample(18:80, n, TRUE), big = round(rnorm(n, 1e6, 3e5)),
  sex = sample(c("f", "m"), n, TRUE), region = sample(c("N", "E", "S"), n, TRUE))
whole <- frame()
holes <- frame()
holes$x[3] <- NA; holes$age[5] <- NA; holes$sex[7] <- NA; holes$y[9] <- NA
stateless <- c(
  "y ~ I(x > 0)", "y ~ (x > 0) + z", "y ~ x > 0", "y ~ I(x > 0) - 1", "y ~ 0 + I(x <= 0.5) + z", "y ~ I(x >= z)", "y ~ I(age == 30)",
  "y ~ I(age != 30) * z", "y ~ I(x < 0) : z", "y ~ z + I(x < 0) : z", "y ~ I(x > 0 & z < 5)", "y ~ I(x > 0 | z < 2)", "y ~ I(!(x > 0))",
  "y ~ !(x > 0)", "y ~ I((x > 0) * z)", "y ~ I((x > 0) + (z > 5))", "y ~ as.numeric(x > 0)", "y ~ I(x > 0) * I(z > 5)",
  "y ~ I(sex == \"m\")", "y ~ I(sex != \"m\") * x", "y ~ I(region %in% c(\"N\", \"S\")) + x", "y ~ I(age %in% c(20, 30, 40, 50)) + x",
  "y ~ I(sex == \"m\" & age > 40)", "y ~ region * I(age > 40)", "y ~ region:I(age > 40)", "y ~ region:I(age > 40) - 1",
  "y ~ ifelse(x > 0, 1, -1)", "y ~ ifelse(x > 0, x, 0)", "y ~ I(ifelse(z > 5, z^2, 25))", "y ~ ifelse(sex == \"m\", age, 0) + sex",
  "y ~ ifelse(x > 0, ifelse(z > 5, 2, 1), 0)", "y ~ pmin(z, 5)", "y ~ pmax(x, 0) + pmin(x, 0)", "y ~ pmin(x, z, w)", "y ~ pmax(z - 5, 0) * x",
  "y ~ log(pmax(z, 2))", "y ~ I(pmax(x, 0)^2)", "log(pmax(y, 0.5)) ~ x",
  "y ~ cut(z, c(1, 3, 5, 9))", "y ~ cut(z, c(0, 3, 5, 9)) - 1", "y ~ cut(z, c(1, 3, 5, 9), right = FALSE)",
  "y ~ cut(age, c(18, 30, 50, 80), include.lowest = TRUE)", "y ~ cut(age, c(18, 30, 50, 80), right = FALSE, include.lowest = TRUE)",
  "y ~ cut(age, c(0, 30, 50, 80), labels = c(\"young\", \"middle\", \"old\"))", "y ~ cut(x, c(-Inf, 0, Inf))", "y ~ cut(x, c(-Inf, -0.5, 0, 0.5, Inf)) * z",
  "y ~ cut(z, seq(1, 9, 2)) + x", "y ~ cut(z, 1:9)", "y ~ cut(big, c(0, 500000, 1000000, 2500000))", "y ~ cut(big, c(0, 1e6, 1.25e6, 3e6), dig.lab = 5)",
  "y ~ cut(z, c(0, 2.3456, 2.3457, 10))", "y ~ sex:cut(age, c(0, 40, 90))", "y ~ sex * cut(age, c(0, 40, 90))", "y ~ cut(age, c(0, 40, 90), labels = FALSE)",
  "y ~ cut(z + x, c(-5, 2, 5, 15))", "y ~ cut(log(z), c(-1, 1, 3)) : x")
bases <- c(
  "y ~ poly(x, 1)", "y ~ poly(x, 2)", "y ~ poly(z, 3)", "y ~ poly(year, 5)", "y ~ poly(age, 4) + x", "y ~ poly(big, 3)", "y ~ poly(log(z), 2)",
  "y ~ poly(year, 5) * sex", "y ~ poly(x, 2):z", "y ~ poly(x, 2):poly(z, 2)", "y ~ poly(z, degree = 7)", "y ~ sex:poly(x, 2) - 1",
  "y ~ poly(I(year + 1e6), 3)", "y ~ poly(x, 10)",
  "y ~ scale(x)", "y ~ scale(year)", "y ~ scale(x, scale = FALSE)", "y ~ scale(x, center = FALSE)", "y ~ scale(big, 1e6, 1e5)", "y ~ scale(x) * sex",
  "y ~ I(scale(x)^2) + scale(x)", "y ~ scale(log(z))", "log(y) ~ scale(x) + poly(z, 2)",
  "y ~ ns(x)", "y ~ ns(x, 2)", "y ~ ns(x, df = 4)", "y ~ ns(year, df = 5)", "y ~ ns(z, knots = c(3, 5, 7))", "y ~ ns(z, knots = 4, Boundary.knots = c(2, 8))",
  "y ~ ns(x, df = 4, intercept = TRUE) - 1", "y ~ ns(big, 3)", "y ~ ns(x, 3) * sex", "y ~ ns(x, 3):z", "y ~ ns(log(z), 3)", "y ~ ns(z, 3, Boundary.knots = c(2, 8))",
  "y ~ bs(x)", "y ~ bs(x, df = 5)", "y ~ bs(year, df = 6)", "y ~ bs(z, knots = c(3, 5, 7))", "y ~ bs(z, knots = c(3, 5, 7), degree = 1)", "y ~ bs(z, knots = 4, degree = 2)",
  "y ~ bs(z, knots = 5, Boundary.knots = c(0, 10))", "y ~ bs(x, df = 5, intercept = TRUE) - 1", "y ~ bs(big, 4)", "y ~ bs(x, 4) * sex", "y ~ bs(x, degree = 2) + ns(z, 2)",
  "y ~ bs(age, df = 4, degree = 2):sex", "y ~ bs(pmax(x, 0), knots = 1)",
  "y ~ cut(x, 4)", "y ~ cut(age, 3) * sex", "y ~ cut(big, 5, right = FALSE)", "y ~ cut(z, breaks = 2, labels = c(\"low\", \"high\"))",
  "y ~ cut(w, 3, include.lowest = TRUE) - 1", "y ~ cut(year, 7, labels = FALSE)", "y ~ cut(log(z), 3, dig.lab = 2):x")
case <- function(formula, data, name) {
  f <- as.formula(formula)
  mf <- model.frame(f, data)
  mm <- model.matrix(terms(mf), mf)
  list(formula = formula, data = name, target = unname(as.numeric(model.response(mf))), rows = I(as.integer(rownames(mf))),
       terms = I(attr(terms(mf), "term.labels")), assign = I(attr(mm, "assign")), names = I(colnames(mm)),
       matrix = I(lapply(seq_len(ncol(mm)), function(j) unname(mm[, j]))))
}
cases <- c(lapply(stateless, case, whole, "whole"), lapply(stateless[c(1, 3, 11, 12, 19, 21, 22, 27, 33, 42, 44, 45)], case, holes, "holes"),
           lapply(bases, case, whole, "whole"))
# Coefficients, and predictions at other values, within the data's range and beyond, of the basis of the data (safe prediction).
fitted <- c("y ~ poly(x, 3) + z", "y ~ poly(year, 5)", "y ~ scale(x) * sex", "y ~ ns(x, df = 4) + sex", "y ~ bs(z, knots = c(3, 5, 7), Boundary.knots = c(1, 9))",
            "y ~ ns(year, 3) + scale(z)", "y ~ poly(x, 2):sex + scale(z, scale = FALSE)", "y ~ cut(age, c(0, 40, 90)) + pmin(x, 1)", "y ~ bs(x, degree = 2)",
            "y ~ x + offset(z)", "log(y) ~ offset(log(z)) + sex + offset(2 * x)", "y ~ offset(z) - 1 + x", "y ~ sex * x + offset(ifelse(x > 0, x, 0))")
other <- data.frame(x = c(-4, -1, 0, 0.5, 2, 5), z = c(0.5, 1.5, 3, 5, 8, 9.5), year = c(1980, 1991, 2000, 2010.5, 2024, 2030), age = c(18, 40, 41, 60, 80, 25),
                    sex = c("f", "m", "f", "m", "f", "m"))
# Of an offset as R 4.3 has it: of the fitted values less the offset, which summary() of older versions leaves in.
r2 <- function(fit) {
  f <- fitted(fit) - if (is.null(fit$offset)) 0 else fit$offset
  explained <- sum((f - if (attr(terms(fit), "intercept") == 1) mean(f) else 0)^2)
  explained / (explained + deviance(fit))
}
fits <- lapply(fitted, function(f) {
  fit <- lm(as.formula(f), whole)
  list(formula = f, r2 = r2(fit), rss = deviance(fit), names = I(names(coef(fit))), coefficients = I(unname(coef(fit))), errors = I(unname(sqrt(diag(vcov(fit))))),
       predictions = I(unname(suppressWarnings(predict(fit, other)))))
})
cat(json(list(fits = fits, other = as.list(other), r = R.version.string, data = list(whole = as.list(whole), holes = as.list(holes)), cases = cases)), "\n", sep = "")
