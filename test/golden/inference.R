# Goldens of inference: Rscript test/golden/inference.R > test/golden/inference.json
# Every fit quotes its call; `formula`, `weights` and `intercept` are what goml is given.
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(lmtest); library(car) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
sets <- list()
read <- function(file) {
  if (is.null(sets[[file]])) sets[[file]] <<- read.csv(file, stringsAsFactors = TRUE, na.strings = c("", "NA"))
  sets[[file]]
}
table <- function(fit, covariance, df = fit$df.residual) {
  # coeftest(fit, vcov. = covariance, df = df) and coefci: t with the residual degrees of freedom, or G - 1 for G clusters.
  tests <- coeftest(fit, vcov. = covariance, df = df); intervals <- coefci(fit, vcov. = covariance, df = df)
  rows <- match(names(coef(fit)), rownames(tests))
  list(stdError = I(unname(tests[rows, 2])), t = I(unname(tests[rows, 3])), p = I(unname(tests[rows, 4])),
       lower = I(unname(intervals[match(names(coef(fit)), rownames(intervals)), 1])),
       upper = I(unname(intervals[match(names(coef(fit)), rownames(intervals)), 2])))
}
sequential <- function(a) list(terms = I(rownames(a)), df = I(a$Df), sumOfSquares = I(a$`Sum Sq`), f = I(a$`F value`),
                               p = I(a$`Pr(>F)`))
describe <- function(file, formula, weights = NULL, robust = NULL, cluster = NULL, at = NULL, more = character()) {
  data <- read(file)
  call <- sprintf("lm(%s, data%s)", formula, if (is.null(weights)) "" else paste0(", weights = ", weights))
  fit <- eval(parse(text = call)); s <- summary(fit)
  out <- list(file = file, call = call, formula = formula, weights = weights, terms = I(names(coef(fit))),
              estimate = I(unname(coef(fit))), iid = table(fit, vcov(fit, complete = FALSE)),
              fit = list(n = nobs(fit), dfResidual = fit$df.residual, rss = deviance(fit), sigma = s$sigma,
                         r2 = s$r.squared, adjR2 = s$adj.r.squared, f = unname(s$fstatistic[1]),
                         fP = if (is.null(s$fstatistic)) NULL else
                           pf(s$fstatistic[1], s$fstatistic[2], s$fstatistic[3], lower.tail = FALSE),
                         logLik = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
                         aicExtract = extractAIC(fit)[2]))
  # vcovHC(fit, type = "HC3") and so on; linearHypothesis(fit, names(coef(fit))[-1], vcov. = ...)
  slopes <- attr(terms(fit), "intercept") == 1 && length(coef(fit)) > 1 && !anyNA(coef(fit))
  wald <- function(covariance) if (slopes) {
    w <- linearHypothesis(fit, names(coef(fit))[-1], vcov. = covariance, test = "F")
    list(f = w$F[2], df1 = w$Df[2], df2 = w$Res.Df[2], p = w$`Pr(>F)`[2]) }
  for (type in robust) { v <- vcovHC(fit, type = type); out[[tolower(type)]] <- c(table(fit, v), list(wald = wald(v))) }
  # vcovCL(fit, cluster = ~group): its default for lm is type = "HC1" with cadjust = TRUE
  if (!is.null(cluster)) {
    used <- data[[cluster]][as.integer(names(residuals(fit)))]
    if (!is.null(weights)) used <- used[data[[weights]][as.integer(names(residuals(fit)))] > 0]
    out$cluster <- c(list(column = cluster),
                     table(fit, vcovCL(fit, cluster = data[[cluster]]), length(unique(used)) - 1))
  }
  if (!is.null(at)) {
    new <- data[at, ]
    confidence <- suppressWarnings(predict(fit, new, se.fit = TRUE, interval = "confidence", level = 0.95))
    prediction <- suppressWarnings(predict(fit, new, interval = "prediction", level = 0.9))
    # predict(fit, data[at, ], se.fit = TRUE, interval = "confidence", level = 0.95), and "prediction" with 0.9
    out$predict <- list(rows = I(at), fit = I(unname(confidence$fit[, 1])), stdError = I(unname(confidence$se.fit)),
                        confidence = list(lower = I(unname(confidence$fit[, 2])), upper = I(unname(confidence$fit[, 3]))),
                        prediction = list(lower = I(unname(prediction[, 2])), upper = I(unname(prediction[, 3]))))
  }
  # bptest(fit)
  if ("bp" %in% more) { bp <- bptest(fit); out$breuschPagan <- list(statistic = unname(bp$statistic),
    df = unname(bp$parameter), p = unname(bp$p.value)) }
  # anova(fit)
  if ("anova" %in% more) out$anova <- sequential(anova(fit))
  if ("vif" %in% more) {
    v <- suppressWarnings(vif(fit)); matrix <- is.matrix(v)
    out$vif <- list(terms = I(if (matrix) rownames(v) else names(v)), gvif = I(unname(if (matrix) v[, 1] else v)),
                    df = I(unname(if (matrix) v[, 2] else rep(1, length(v)))))
  }
  # cov2cor(vcov(fit))
  if ("correlation" %in% more) { m <- cov2cor(vcov(fit)); out$correlation <- I(m[upper.tri(m, diag = TRUE)]) }
  if ("influence" %in% more)
    out$influence <- list(rows = I(as.integer(names(resid(fit)))), fitted = I(unname(fitted(fit))),
                          residual = I(unname(resid(fit))), leverage = I(unname(hatvalues(fit))),
                          rstandard = I(unname(rstandard(fit))), rstudent = I(unname(rstudent(fit))),
                          cooks = I(unname(cooks.distance(fit))), dffits = I(unname(dffits(fit))))
  if ("tests" %in% more) {
    e <- resid(fit); n <- length(e); d <- e - mean(e)
    bp <- bptest(fit); reset <- resettest(fit)
    skew <- mean(d^3) / mean(d^2)^1.5; kurtosis <- mean(d^4) / mean(d^2)^2; jb <- n / 6 * (skew^2 + (kurtosis - 3)^2 / 4)
    out$tests <- list(
      quantiles = I(unname(quantile(e))), durbinWatson = unname(dwtest(fit)$statistic),
      breuschPagan = list(statistic = unname(bp$statistic), df = unname(bp$parameter), p = unname(bp$p.value)),
      jarqueBera = list(statistic = jb, p = pchisq(jb, 2, lower.tail = FALSE), skewness = skew, kurtosis = kurtosis),
      reset = list(statistic = unname(reset$statistic), df1 = unname(reset$parameter[1]),
                   df2 = unname(reset$parameter[2]), p = unname(reset$p.value)))
  }
  out
}
cps <- "data/cps-wages.csv"; infant <- "data/infant-mortality.csv"
own <- function(name) sprintf("test/golden/data/%s.csv", name)
HC <- c(paste0("HC", 0:4), "HC4m", "HC5")
all <- c("anova", "vif", "correlation", "tests")
each <- c(all, "influence")
fits <- list(
  describe(cps, "wage ~ education + experience", robust = HC, at = c(1, 100, 534), more = all),
  describe(cps, "log(wage) ~ education * gender + sector", robust = HC, cluster = "occupation", at = c(3, 250), more = all),
  describe(cps, "log(wage) ~ poly(experience, 3, raw = TRUE) + union + race:married", at = c(7, 8, 9), more = c("anova", "tests")),
  describe(cps, "wage ~ education + gender - 1", robust = c("HC1", "HC3"), at = 1:4, more = "tests"),
  describe(cps, "log(wage) ~ (education + experience + gender)^2 + factor(south)", robust = "HC2", at = c(11, 99),
           more = c("anova", "tests")),
  # sandwich forms X'X of the years, which leaves it eight digits; goml's whitened coordinates do not mind.
  describe(infant, "white ~ year + I(year^2)", at = c(1, 50, 99), more = each[each != "vif"]),
  describe(infant, "white ~ I(year - 1960) + I((year - 1960)^2)", robust = HC),
  describe(infant, "log(black) ~ log(white) + I(year - 1960)", robust = "HC3", at = 10:12, more = each),
  describe(own("anscombe"), "y ~ x * set", robust = c("HC0", "HC1"), at = c(1, 20, 44), more = c("anova", "correlation", "tests")),
  describe(own("anscombe"), "y ~ x", at = c(1, 2), more = each[each != "vif"]),
  describe(own("anscombe"), "y ~ 0 + set + x", more = c("anova", "influence")),
  describe(own("nightingale"), "disease ~ army_size + season", robust = HC, at = c(2, 24), more = each),
  describe(own("nightingale"), "log1p(wounds) ~ sqrt(army_size) + other", at = c(5, 6), more = each),
  describe(own("minard"), "log10(size) ~ lon * direction + division", robust = c("HC0", "HC1", "HC2"),
           cluster = "division", at = c(1, 48), more = each[each != "vif"]),
  describe(own("minard"), "size ~ lon + I(lon^2) + abs(lat - 55)", at = c(3, 4), more = each),
  describe(own("venus"), "residual ~ 1", at = 1, more = c("influence")),
  describe(own("venus"), "residual ~ order", robust = HC, at = c(1, 15), more = each[each != "vif"]),
  describe(own("hetero"), "y ~ x + z", robust = HC, cluster = "group", at = c(1, 120, 240), more = each),
  describe(own("hetero"), "y ~ x + z", weights = "w", robust = HC, cluster = "group", at = c(1, 120),
           more = c("anova", "influence", "correlation", "bp")),
  describe(own("hetero"), "y ~ x * group", weights = "w", at = c(9, 10), more = "anova"),
  describe(own("hetero"), "y ~ x + z - 1", weights = "w", robust = "HC1", at = 2, more = c("bp", "anova")),
  describe(own("gaps"), "y ~ a + log1p(b) + kind", robust = HC, at = c(1, 30, 60), more = each),
  describe(own("gaps"), "y ~ .", robust = "HC3", at = c(8, 9), more = c("anova", "tests")),
  describe(own("gaps"), "I(y^2) ~ a:kind + exp(-b)", at = c(12, 13), more = c("anova", "tests")),
  describe(own("deficient"), "y ~ a + b + c + town", at = 2:3, more = c("anova", "influence")),
  describe(own("deficient"), "y ~ country + town + twice + a", robust = "HC0", more = "anova"),
  describe(own("factorial"), "grams ~ supply * factor(dose)", more = c("anova", "influence")),
  describe(own("factorial"), "grams ~ block + supply + log2(dose)", robust = "HC3", at = c(1, 40), more = each),
  describe(own("factorial"), "log(grams + 3) ~ supply:dose - 1", at = 4:6),
  describe(own("trend"), "output ~ poly(t, 3, raw = TRUE)", robust = c("HC1", "HC3"), at = c(1, 72), more = each[each != "vif"]),
  describe(own("trend"), "output ~ t + I(t^2) + I(t^3) + sun", at = c(1, 36), more = each),
  describe(own("trend"), "output ~ sun", more = c("tests", "influence")),
  describe(own("collinear"), "y ~ x1 + x2 + x3", at = c(5, 6), more = each))
chain <- function(file, formulas, weights = NULL) {
  data <- read(file)
  calls <- sprintf("lm(%s, data%s)", formulas, if (is.null(weights)) "" else paste0(", weights = ", weights))
  a <- do.call(anova, lapply(calls, function(call) eval(parse(text = call))))
  list(file = file, call = sprintf("anova(%s)", paste(calls, collapse = ", ")), formulas = I(formulas), weights = weights,
       dfResidual = I(a$Res.Df), rss = I(a$RSS), df = I(a$Df), sumOfSquares = I(a$`Sum of Sq`), f = I(a$F), p = I(a$`Pr(>F)`))
}
chains <- list(
  chain(cps, c("wage ~ education", "wage ~ education + experience", "wage ~ education * gender + experience + sector")),
  chain(own("anscombe"), c("y ~ x * set", "y ~ x")),
  chain(own("hetero"), c("y ~ 1", "y ~ x", "y ~ x + z"), weights = "w"),
  chain(own("factorial"), c("grams ~ supply + dose", "grams ~ supply + factor(dose)", "grams ~ supply * factor(dose)")))
cat(json(list(r = R.version.string, packages = lapply(c(sandwich = "sandwich", lmtest = "lmtest", car = "car"),
  function(p) as.character(packageVersion(p))), fits = I(fits), chains = I(chains))), "\n", sep = "")
