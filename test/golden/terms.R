# Goldens of the parts of predictions: Rscript test/golden/terms.R > test/golden/terms.json
# predict(fit, type = "terms"), and its attribute "constant"; the first twenty rows.
source("test/golden/json.R")
invisible(Sys.setlocale("LC_COLLATE", "C"))
data <- read.csv("data/cps-wages.csv", stringsAsFactors = TRUE)
ask <- function(formula) {
  parts <- predict(lm(as.formula(formula), data), type = "terms")
  list(formula = formula, constant = attr(parts, "constant"),
       terms = lapply(as.list(as.data.frame(parts[1:20, , drop = FALSE], check.names = FALSE)), I))
}
cat(json(list(
  ask("wage ~ education + race + gender"),
  ask("log(wage) ~ education * race + poly(experience, 2, raw = TRUE)"),
  ask("wage ~ education + gender - 1")
)), "\n")
