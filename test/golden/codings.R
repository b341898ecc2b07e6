# Goldens of codings (src/dataset/formula): Rscript test/golden/codings.R > test/golden/codings.json
# Names and columns of model.matrix() under contrasts, relevel, factor(levels =), nesting, and contrasts beside the formula.
# Factors are sorted as in the C locale. Numbers are written by 17 digits: every bit.
source("test/golden/json.R")
invisible(Sys.setlocale("LC_COLLATE", "C")); invisible(Sys.setlocale("LC_TIME", "C"))
set.seed(16)
n <- 24
d <- data.frame(
  y = round(rnorm(n), 3), x = round(rnorm(n), 3), z = round(runif(n, 1, 9), 2),
  a = sample(c("a1", "a2", "a3"), n, TRUE), b = sample(c("p", "q"), n, TRUE), c = sample(c("k", "l", "m"), n, TRUE),
  g = sample(c("w", "X", "y", "z"), n, TRUE), cyl = sample(c(4, 6, 8), n, TRUE), code = sample(c("10", "9", "007"), n, TRUE),
  size = sample(c("low", "mid", "high"), n, TRUE), `my f` = sample(c("u", "v", "w"), n, TRUE), check.names = FALSE, stringsAsFactors = TRUE)
d$day <- as.Date("2024-03-28") + sample(60, n)
week <- "c(\"Monday\", \"Tuesday\", \"Wednesday\", \"Thursday\", \"Friday\", \"Saturday\", \"Sunday\")"
formulas <- c(
  # Each contrast by itself, with and without an intercept.
  "y ~ C(a, sum)", "y ~ C(a, helmert)", "y ~ C(g, poly)", "y ~ C(a, treatment)", "y ~ C(a, SAS)", "y ~ C(a)",
  "y ~ C(a, contr.sum)", "y ~ C(a, \"contr.sum\")", "y ~ C(a, contr.treatment)", "y ~ C(a, \"contr.treatment\")",
  "y ~ C(g, contr.SAS)", "y ~ C(g, contr.treatment, base = 2)", "y ~ C(g, contr.treatment(4, base = 3))",
  "y ~ C(g, contr.helmert)", "y ~ C(g, poly, 1)", "y ~ C(g, poly, 2)", "y ~ C(g, sum, 2)", "y ~ C(g, contr = sum)",
  "y ~ C(a, sum) - 1", "y ~ C(a, helmert) - 1", "y ~ C(g, poly) - 1", "y ~ C(a, SAS) - 1", "y ~ 0 + x + C(a, sum)",
  "y ~ 0 + C(a, sum) + C(b, sum)", "y ~ 0 + C(a, helmert) + C(g, poly)", "y ~ x + C(a, sum) - 1 + C(b, helmert)",
  "y ~ C(`my f`, sum) + C(factor(cyl), poly)", "y ~ C(factor(cyl), sum) * x",
  # Contrasts of one's own, completed as R does.
  "y ~ C(a, c(-1, 0, 1))", "y ~ C(g, c(-3, -1, 1, 3))", "y ~ C(a, cbind(c(1, -1, 0), c(1, 1, -2)))",
  "y ~ C(a, cbind(lin = c(-1, 0, 1), quad = c(1, -2, 1)))", "y ~ C(g, matrix(c(1, -1, 0, 0, 0, 0, 1, -1), 4))",
  "y ~ C(g, matrix(c(1, -1, 0, 0, 0, 0, 1, -1), ncol = 2), 2)", "y ~ C(g, c(-1, 0.5, 1/4, 1/4), 1)", "y ~ C(b, c(-1/2, 1/2)) * x",
  "y ~ C(a, c(-1, 0, 1)):x + C(a, c(-1, 0, 1))", "y ~ C(a, c(-1, 0, 1)) - 1",
  # Interactions of codings.
  "y ~ C(a, sum) * C(b, sum)", "y ~ C(a, sum) * b", "y ~ a * C(b, sum)", "y ~ C(a, helmert) * C(g, poly)",
  "y ~ C(a, poly) * x", "y ~ C(a, sum) * C(b, helmert) * x", "y ~ (C(a, sum) + C(b, sum) + C(c, helmert))^2",
  "y ~ (C(a, sum) + x + z)^2", "y ~ C(a, poly) * C(c, SAS)", "y ~ C(a, sum) * C(b, sum) * C(c, sum)",
  "y ~ poly(z, 2, raw = TRUE) * C(a, sum)", "y ~ C(a, sum) * C(b, sum) - C(a, sum)", "y ~ C(a, sum) * C(b, sum) - 1",
  "y ~ I(x^2) * C(g, helmert)",
  # Margins left out: a factor gets all its levels where no term covers it.
  "y ~ C(a, sum):x", "y ~ C(a, sum):x - 1", "y ~ x + C(a, sum):x", "y ~ C(a, helmert):x", "y ~ C(g, poly):x - 1",
  "y ~ x + C(g, poly):x - 1", "y ~ C(a, sum):C(b, sum)", "y ~ C(a, sum):C(b, sum) - 1", "y ~ C(a, sum) + C(a, sum):C(b, sum)",
  "y ~ C(b, sum) + C(a, sum):C(b, sum)", "y ~ C(a, helmert) + C(a, helmert):C(g, poly) - 1", "y ~ x:C(a, sum):C(b, sum)",
  "y ~ C(a, SAS):x + x", "y ~ C(a, SAS):b", "y ~ C(a, sum):b + C(a, sum):c",
  # Nesting.
  "y ~ a / b", "y ~ a / x", "y ~ C(a, sum) / C(b, sum)", "y ~ C(a, sum) / x", "y ~ a / b / c", "y ~ C(a, sum) / C(b, sum) / C(c, sum)",
  "y ~ C(a, helmert) / (x + z)", "y ~ (a + b) / x", "y ~ (C(a, sum) + b) / C(c, sum)", "y ~ a + b %in% a", "y ~ C(a, sum) + C(b, sum) %in% C(a, sum)",
  "y ~ a %in% b", "y ~ C(a, poly) %in% C(b, sum)", "y ~ a + (b + c) %in% a", "y ~ a / b - 1", "y ~ C(a, sum) / x - 1", "y ~ a / (b * c)",
  # relevel, factor, ordered.
  "y ~ relevel(factor(a), ref = \"a2\")", "y ~ relevel(factor(a), \"a3\") * x", "y ~ relevel(factor(a), ref = \"a2\") * C(b, sum)",
  "y ~ relevel(factor(cyl), ref = \"6\")", "y ~ C(relevel(factor(a), ref = \"a2\"), sum)", "y ~ relevel(factor(g), \"y\"):x",
  "y ~ relevel(factor(a), \"a3\") / b", "y ~ C(relevel(factor(g), \"z\"), helmert) * b", "y ~ relevel(factor(a), ref = \"a2\") - 1",
  "y ~ factor(size, levels = c(\"low\", \"mid\", \"high\"))", "y ~ C(factor(size, levels = c(\"low\", \"mid\", \"high\")), sum)",
  "y ~ C(factor(size, levels = c(\"low\", \"mid\", \"high\")), poly)", "y ~ factor(size, c(\"low\", \"high\"))",
  "y ~ factor(size, levels = c(\"none\", \"low\", \"mid\", \"high\"))", "y ~ C(factor(a, levels = c(\"a1\", \"a2\", \"a3\", \"a4\")), sum) * x",
  "y ~ C(factor(a, levels = c(\"a4\", \"a3\", \"a2\", \"a1\")), helmert)", "y ~ factor(cyl, levels = c(8, 6, 4))", "y ~ factor(cyl, levels = c(4, 5, 6, 8))",
  "y ~ C(factor(cyl, levels = c(8, 6, 4)), poly)", "y ~ factor(cyl, levels = c(4, 6, 8), labels = c(\"four\", \"six\", \"eight\"))",
  "y ~ factor(size, levels = c(\"low\", \"mid\", \"high\"), labels = c(\"L\", \"M\", \"H\")) * x", "y ~ factor(cyl, levels = 4:8)",
  "y ~ ordered(size, levels = c(\"low\", \"mid\", \"high\"))", "y ~ ordered(cyl)", "y ~ ordered(a):x", "y ~ ordered(a) * C(b, sum)", "y ~ ordered(cyl) - 1",
  "y ~ factor(size, levels = c(\"low\", \"mid\", \"high\"), ordered = TRUE)", "y ~ C(ordered(a), sum)",
  "y ~ code", "y ~ C(code, sum)", "y ~ relevel(factor(code), ref = \"9\")", "y ~ factor(code, levels = c(\"9\", \"10\", \"007\")) * b", "y ~ as.factor(cyl) * C(code, helmert)",
  "y ~ factor(size, levels = c(\"mid\", \"low\")):x",
  # Dates.
  "y ~ factor(weekdays(day))", "y ~ C(factor(weekdays(day)), sum) - 1", paste0("y ~ factor(weekdays(day), levels = ", week, ") * x"),
  paste0("y ~ C(factor(weekdays(day), levels = ", week, "), poly)"), "y ~ relevel(factor(months(day)), ref = \"May\") * b",
  "y ~ C(factor(months(day)), helmert):x", "y ~ as.Date(day) * C(a, sum)", "y ~ a / as.Date(day)")
beside <- list(
  list("y ~ a", list(a = "contr.sum")), list("y ~ a * b", list(a = "contr.sum", b = "contr.sum")), list("y ~ a * b", list(a = "contr.helmert")),
  list("y ~ g", list(g = "contr.poly")), list("y ~ g * x", list(g = "contr.SAS")), list("y ~ a:x", list(a = "contr.sum")),
  list("y ~ a / b", list(a = "contr.sum", b = "contr.helmert")), list("y ~ a - 1", list(a = "contr.sum")),
  list("y ~ factor(cyl) * a", list(`factor(cyl)` = "contr.sum", a = "contr.treatment")), list("y ~ a + b %in% a", list(b = "contr.sum")))
case <- function(formula, contrasts = NULL) {
  f <- as.formula(formula)
  mf <- model.frame(f, d)
  mm <- model.matrix(terms(mf), mf, contrasts.arg = contrasts)
  list(formula = formula, contrasts = contrasts, rows = I(as.integer(rownames(mf))), terms = I(attr(terms(mf), "term.labels")),
       assign = I(attr(mm, "assign")), names = I(colnames(mm)), matrix = I(lapply(seq_len(ncol(mm)), function(j) unname(mm[, j]))))
}
cases <- c(lapply(formulas, case), lapply(beside, function(one) case(one[[1]], one[[2]])))
poly <- lapply(2:22, function(k) { m <- contr.poly(k); I(lapply(seq_len(k - 1), function(j) unname(m[, j]))) })
cat(json(list(r = R.version.string, data = lapply(d, function(v) if (is.factor(v) || inherits(v, "Date")) as.character(v) else v), cases = cases, poly = I(poly))), "\n", sep = "")
