# Goldens of src/dataset/formula: Rscript test/golden/model-matrix.R > test/golden/model-matrix.json
# Columns and names of model.matrix() for generated data frames, factors sorted as in the C locale.
source("test/golden/json.R")
invisible(Sys.setlocale("LC_COLLATE", "C"))
set.seed(20)
n <- 14
frame <- function() data.frame(
  y = round(rexp(n) + 0.1, 3), x = round(rnorm(n), 3), z = round(runif(n, 1, 9), 2), w = round(rexp(n) + 0.01, 4),
  `my col` = round(rnorm(n), 2), .dot = sample(9, n, TRUE), cyl = sample(c(4, 6, 8), n, TRUE),
  state = sample(c("NY", "CA", "tx", "Ü"), n, TRUE), sex = sample(c("f", "m"), n, TRUE), check.names = FALSE)
whole <- frame()
holes <- frame()
holes$x[3] <- NA; holes$cyl[5] <- NA; holes$state[7] <- NA; holes$y[9] <- NA
formulas <- c(
  "y ~ x", "y ~ x - 1", "y ~ 0 + x", "y ~ 1", "y ~ .", "y ~ . - x", "y ~ . - 1", "log(y) ~ . - z", "y ~ x + x + z",
  "y ~ state", "y ~ state - 1", "y ~ state + sex", "y ~ state + sex - 1", "y ~ sex + x + state - 1",
  "y ~ x * z", "y ~ z + x:z", "y ~ x:z + z", "y ~ state * x", "y ~ state:x", "y ~ state:x - 1", "y ~ x + state:x - 1",
  "y ~ state * sex", "y ~ state:sex", "y ~ state:sex - 1", "y ~ state + state:sex", "y ~ sex + state:sex",
  "y ~ x:state:sex", "y ~ x + x:state:sex", "y ~ state * sex * x", "y ~ (x + z + w)^2", "y ~ (x + state + sex)^2 - x:sex",
  "y ~ (x + z)^3", "y ~ x / z", "y ~ state / x", "y ~ (x + z) / w", "y ~ x + z %in% x", "y ~ sex / state",
  "y ~ state:sex + state:cyl", "y ~ factor(cyl)", "y ~ factor(cyl) - 1", "y ~ cyl + factor(cyl):x",
  "y ~ factor(cyl):factor(.dot > 4)", "y ~ I(x^2) + x", "y ~ I(x^2 + 2 * x - 1) + I(-x)", "y ~ I((x + z) / 2)", "y ~ I(x^-1)",
  "y ~ log(z) + log2(z) + log10(w) + log1p(w) + exp(x) + sqrt(z) + abs(x)", "y ~ log(z, 3) + log(z, base = 2) + log(x = z)",
  "log(y) ~ x", "log(y + 1) ~ sqrt(abs(x))", "I(y / 2) ~ x", "y ~ poly(z, 3, raw = TRUE)", "y ~ poly(z, degree = 2, raw = T)",
  "y ~ poly(z, 2, raw = TRUE):state", "y ~ poly(z, 2, raw = TRUE) * x + sex:poly(x, 2, raw = TRUE)",
  "y ~ poly(x, 2, raw = TRUE):poly(z, 2, raw = TRUE):sex", "y ~ `my col` + .dot", "y ~ I(`my col`^2) * sex", "y ~ x * z - x",
  "y ~ x + z - (x + z) + w", "y ~ (x + 1) * z", "y ~ (x + z + w)^2 - 1 - x:w", "y ~ x*z*w - x:z:w", "y ~ -x + z", "y ~ x - 1 + 1",
  "y ~ x^2", "y ~ I(1e5 * x) + I(x * 0.0001) + I(123456 + z) + I(x / 3e-7)", "y ~ z:x + x", "y ~ sex:x + sex - 1",
  "y ~ w + sex:state:cyl", "y ~ log(x + 2)")
formulas <- formulas[!grepl("> 4", formulas)]
case <- function(formula, data, name) {
  f <- as.formula(formula)
  mf <- model.frame(f, data)
  mm <- model.matrix(terms(mf), mf)
  list(formula = formula, data = name, target = unname(as.numeric(model.response(mf))), rows = I(as.integer(rownames(mf))),
       terms = I(attr(terms(mf), "term.labels")), assign = I(attr(mm, "assign")), names = I(colnames(mm)),
       matrix = I(lapply(seq_len(ncol(mm)), function(j) unname(mm[, j]))))
}
cases <- c(lapply(formulas, case, whole, "whole"),
           lapply(formulas[c(1, 5, 11, 17, 22, 25, 39, 52)], case, holes, "holes"))
cat(json(list(r = R.version.string, data = list(whole = as.list(whole), holes = as.list(holes)), cases = cases)), "\n", sep = "")
