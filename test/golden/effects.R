# Goldens of average marginal effects: Rscript test/golden/effects.R > test/golden/effects.json
# The mean over the rows of the change of model.matrix(fit): of numbers by a central difference of five points, exact for
# polynomials of degree 4, of factors from the reference to each level; sqrt(g' V g) with vcov(fit) or vcovHC.
source("test/golden/json.R")
suppressMessages(library(sandwich))
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(file, formula, vcov = "iid", weights = NULL) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  fit <- if (is.null(weights)) lm(as.formula(formula), data) else
    eval(parse(text = sprintf("lm(%s, data, weights = %s)", formula, weights)))
  w <- if (is.null(weights)) rep(1, nrow(data)) else data[[weights]]
  V <- if (vcov == "iid") vcov(fit) else vcovHC(fit, type = toupper(vcov))
  X <- function(d) model.matrix(delete.response(terms(fit)), d, xlev = fit$xlevels)
  at <- function(column, f) { d <- data; d[[column]] <- f(d[[column]]); X(d) }
  effect <- function(column, level, G) {
    g <- colSums(w * G) / sum(w); b <- coef(fit)
    g <- g[!is.na(b)]; b <- b[!is.na(b)]
    e <- sum(g * b); s <- sqrt(c(t(g) %*% V %*% g))
    list(column = column, level = level, estimate = e, stdError = s, p = 2 * pt(-abs(e / s), fit$df.residual))
  }
  rows <- list()
  for (column in all.vars(delete.response(terms(fit)))) {
    x <- data[[column]]
    if (is.numeric(x)) {
      h <- sd(x) / 8
      G <- (8 * (at(column, function(v) v + h) - at(column, function(v) v - h)) -
            (at(column, function(v) v + 2 * h) - at(column, function(v) v - 2 * h))) / (12 * h)
      rows <- c(rows, list(effect(column, NULL, G)))
    } else for (level in levels(x)[-1]) {
      to <- function(l) at(column, function(v) factor(rep(l, length(v)), levels(v)))
      rows <- c(rows, list(effect(column, level, to(level) - to(levels(x)[1]))))
    }
  }
  list(file = file, formula = formula, vcov = vcov, weights = weights, effects = I(rows))
}
wages <- "data/cps-wages.csv"
cat(json(list(
  ask(wages, "wage ~ education + race"),
  ask(wages, "wage ~ education * gender + race * gender", "hc3"),
  ask(wages, "log(wage) ~ poly(experience, 3, raw = TRUE) + education * race"),
  ask(wages, "wage ~ experience + I(experience^2) + experience:education + education"),
  ask(wages, "wage ~ (education + experience) * occupation", weights = "age"),
  ask(wages, "wage ~ experience * education * gender"),
  ask(wages, "wage ~ I((experience - 10)^2) + experience + gender - 1"),
  ask(wages, "wage ~ poly(experience, 3) + education"),
  ask(wages, "log(wage) ~ poly(age, 2) * education + gender", "hc3"),
  ask(wages, "wage ~ gender * poly(experience, 4) + race")
)), "\n")
