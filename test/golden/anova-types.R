# Goldens of type II and III sums of squares: Rscript test/golden/anova-types.R > test/golden/anova-types.json
# car::Anova(fit, type = 2); type 3 of the fit with options(contrasts = c("contr.sum", "contr.poly")).
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(car) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(file, formula, type, weights = NULL, vcov = "iid", cluster = NULL, given = formula) {
  options(contrasts = c(if (type == 3) "contr.sum" else "contr.treatment", "contr.poly"))
  data <- read.csv(file, stringsAsFactors = TRUE)
  call <- sprintf("lm(%s, data%s)", formula, if (is.null(weights)) "" else paste0(", weights = ", weights))
  fit <- eval(parse(text = call))
  V <- switch(vcov, iid = NULL, cluster = vcovCL(fit, cluster = data[[cluster]]), vcovHC(fit, type = toupper(vcov)))
  a <- if (is.null(V)) Anova(fit, type = type) else Anova(fit, type = type, vcov. = V)
  a <- a[rownames(a) != "(Intercept)", ]
  df <- if (vcov == "cluster") length(unique(data[[cluster]])) - 1 else fit$df.residual
  f <- if (is.null(a$`F value`)) a$F else a$`F value`
  list(file = file, call = call, formula = given, type = type, weights = weights, vcov = vcov, cluster = cluster,
       terms = I(rownames(a)), df = I(c(a$Df[-nrow(a)], df)), sumOfSquares = if (!is.null(a$`Sum Sq`)) I(a$`Sum Sq`), f = I(f),
       p = I(pf(f, a$Df, df, lower.tail = FALSE)))
}
boston <- "data/boston.csv"; wages <- "data/cps-wages.csv"; hetero <- "test/golden/data/hetero.csv"
factorial <- "test/golden/data/factorial.csv"
sets <- list()
for (type in 2:3) sets <- c(sets, list(
  ask(boston, "medv ~ lstat * rm + nox", type),
  ask(wages, "log(wage) ~ education + occupation * gender", type),
  ask(wages, "log(wage) ~ education * gender * race + union", type),
  ask(wages, "log(wage) ~ poly(experience, 2, raw = TRUE) * gender + occupation + gender:occupation", type),
  ask(factorial, "grams ~ supply + factor(dose) + block", type),
  ask(factorial, "grams ~ supply + log(dose) + supply:log(dose)", type),
  ask(hetero, "y ~ x * z + x * group", type, weights = "w"),
  ask(wages, "wage ~ education * gender + race * gender", type, vcov = "hc3"),
  ask(wages, "wage ~ education * race * gender", type, vcov = "hc1"),
  ask(boston, "medv ~ lstat * rm + nox", type, vcov = "cluster", cluster = "rad")))
# An empty cell: type II compares models, type III refuses.
sets <- c(sets, list(ask(factorial, "grams ~ supply * factor(dose) + block", 2),
                     ask("test/golden/data/deficient.csv", "y ~ a + b + c + twice + town + country", 2)))
cat(json(sets), "\n")
