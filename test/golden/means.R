# Goldens of marginal means: Rscript test/golden/means.R > test/golden/means.json
# emmeans(fit, specs, by = by, at = at, cov.keep = "1"), pairs(..., adjust =), emtrends(fit, specs, var =); ptukey, qtukey.
source("test/golden/json.R")
suppressMessages({ library(emmeans); library(sandwich) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(file, formula, of, by = NULL, at = list(), trend = NULL, vcov = "iid", adjust = "tukey") {
  data <- read.csv(file, stringsAsFactors = TRUE)
  fit <- eval(parse(text = sprintf("lm(%s, data)", formula)))
  all <- c(of, by)
  m <- if (!is.null(trend)) emtrends(fit, all, var = trend, at = at, cov.keep = "1") else if (vcov == "iid")
    emmeans(fit, all, at = at, cov.keep = "1") else
    emmeans(fit, all, at = at, vcov. = vcovHC(fit, type = toupper(vcov)), cov.keep = "1")
  s <- as.data.frame(summary(m, infer = c(TRUE, TRUE)))
  p <- as.data.frame(summary(pairs(m, by = by, adjust = adjust), infer = c(TRUE, TRUE)))
  estimate <- if (is.null(trend)) "emmean" else paste0(trend, ".trend")
  rows <- function(d, e) list(estimate = I(d[[e]]), stdError = I(d$SE), t = I(d$t.ratio), p = I(d$p.value),
                              lower = I(d$lower.CL), upper = I(d$upper.CL))
  list(file = file, formula = formula, of = I(of), by = I(as.character(by)), at = lapply(at, I), trend = trend, vcov = vcov,
       adjust = adjust, values = I(lapply(seq_len(nrow(s)), function(i) I(vapply(all, function(a) as.character(s[[a]][i]), "")))),
       means = rows(s, estimate), pairs = rows(p, "estimate"))
}
wages <- "data/cps-wages.csv"; factorial <- "test/golden/data/factorial.csv"
sets <- list(
  ask(wages, "log(wage) ~ education + occupation + gender", "occupation"),
  ask(wages, "log(wage) ~ education + occupation * gender", "gender", by = "occupation"),
  ask(wages, "wage ~ education * race + gender", "race", at = list(education = 16), adjust = "bonferroni"),
  ask(wages, "wage ~ education * race + gender", "race", trend = "education", adjust = "none"),
  ask(wages, "wage ~ poly(experience, 2, raw = TRUE) + education * race", "race", vcov = "hc3"),
  ask(wages, "wage ~ experience + I(experience^2) + race", "race", at = list(race = c("hispanic", "white"))),
  ask(factorial, "grams ~ supply + factor(dose)", "dose"),
  ask(factorial, "grams ~ supply * factor(dose)", "supply", by = "dose"))
# ptukey is off by up to 1e-5 for few degrees of freedom (by 1.3e-6 of 2 pt(-0.1/sqrt(2), 2) for 2 means) and by 8e-7 for 40
# means: both integrals are taken by integrate here.
range <- function(w, k) vapply(w, function(w) integrate(function(z) k * dnorm(z) * (pnorm(z)^(k - 1) -
  (pnorm(z) - pnorm(z - w))^(k - 1)), -9, max(9, min(w, 40) + 9), rel.tol = 1e-12, subdivisions = 2000)$value, 0)
upper <- function(q, k, df) if (is.infinite(df)) range(q, k) else
  integrate(function(u) 2 * exp(2 * u) * df * dchisq(df * exp(2 * u), df) * range(q * exp(u), k),
            -12, 3, rel.tol = 1e-10, abs.tol = 1e-12, subdivisions = 5000, stop.on.error = FALSE)$value
q <- c(0.1, 1, 3.5, 6, 12); grid <- expand.grid(q = q, k = c(2, 3, 10, 40), df = c(2, 5, 30, 500, Inf))
cat(json(list(means = sets, range = list(q = I(grid$q), k = I(grid$k), df = I(ifelse(is.finite(grid$df), grid$df, 0)),
  p = I(mapply(upper, grid$q, grid$k, grid$df))),
  quantiles = I(c(qtukey(0.95, 3, 10), qtukey(0.99, 8, 30), qtukey(0.9, 2, 5))))), "\n")
