# Goldens of tidy, glance and augment: Rscript test/golden/tables.R > test/golden/tables.json
# broom::tidy(fit, conf.int = TRUE), broom::glance(fit), the first ten rows of broom::augment(fit)
source("test/golden/json.R")
suppressMessages(library(broom))
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(formula, weights = NULL) {
  data <- read.csv("data/cps-wages.csv", stringsAsFactors = TRUE)
  fit <- if (is.null(weights)) lm(as.formula(formula), data) else
    eval(parse(text = sprintf("lm(%s, data, weights = %s)", formula, weights)))
  t <- as.data.frame(tidy(fit, conf.int = TRUE)); g <- as.data.frame(glance(fit))
  a <- as.data.frame(augment(fit))[1:10, c(".fitted", ".resid", ".hat", ".sigma", ".cooksd", ".std.resid")]
  list(formula = formula, weights = weights, tidy = lapply(t, I), glance = as.list(g), augment = lapply(a, I))
}
cat(json(list(
  ask("wage ~ education + race + gender"),
  ask("log(wage) ~ education * gender - 1"),
  ask("wage ~ experience + occupation", "age")
)), "\n")
