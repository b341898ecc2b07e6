# Goldens of kinds of weights: Rscript test/golden/weights.R > test/golden/weights.json (writes data/weights.csv too)
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(survey) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
set.seed(11)
n <- 90
rows <- data.frame(x = round(rnorm(n, 10, 3), 2), g = sample(c("a", "b", "c"), n, TRUE), firm = sprintf("f%02d", sample(12, n, TRUE)),
                   count = sample(0:5, n, TRUE), w = round(runif(n, 0.2, 4), 3))
rows$y <- round(2 + 0.5 * rows$x + (rows$g == "b") + rnorm(n) * (0.2 + rows$x / 8), 3)
write.csv(rows, "test/golden/data/weights.csv", row.names = FALSE, quote = FALSE)
at <- data.frame(x = 12, g = "b", firm = "f01", count = 1, w = 1)
statistics <- function(fit) {
  s <- summary(fit)
  list(coefficients = I(unname(coef(fit))), errors = I(unname(s$coefficients[, 2])), t = I(unname(s$coefficients[, 3])), p = I(unname(s$coefficients[, 4])),
       n = nobs(fit), dfResidual = df.residual(fit), rss = deviance(fit), sigma = s$sigma, r2 = s$r.squared, adjR2 = s$adj.r.squared,
       f = unname(s$fstatistic[1]), logLik = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit), aicExtract = extractAIC(fit)[2],
       anova = I(unname(anova(fit)[, "Sum Sq"])), anovaF = I(unname(anova(fit)[1:2, "F value"])),
       interval = I(unname(suppressWarnings(predict(fit, at, interval = "prediction"))[1, ])))
}
errors <- function(v) I(unname(sqrt(diag(v))))
# frequency: each row as often as it says. lm(y ~ x + g, rows[rep(seq_len(n), count), ])
often <- rows[rep(seq_len(n), rows$count), ]
many <- lm(y ~ x + g, often)
hc <- c("HC0", "HC1", "HC2", "HC3", "HC4", "HC4m", "HC5")
robust <- setNames(lapply(hc, function(type) errors(vcovHC(many, type = type))), tolower(hc))
frequency <- c(statistics(many), list(robust = robust, clustered = errors(vcovCL(many, ~firm, type = "HC1"))))
# analytic: weights scaled to a sum of n. lm(weights = w * n / sum(w))
rows$scaled <- rows$w * n / sum(rows$w)
analytic <- statistics(lm(y ~ x + g, rows, weights = scaled))
# probability: svyglm(y ~ x + g, svydesign(~1, weights = ~w)), whose factor is n/(n - 1); Stata's is n/(n - k), sandwich's HC1
sampled <- lm(y ~ x + g, rows, weights = w)
survey <- svyglm(y ~ x + g, svydesign(~1, weights = ~w, data = rows))
k <- length(coef(survey))
stopifnot(all.equal(unname(sqrt(diag(vcov(survey)) * (n - 1) / (n - k))), unname(sqrt(diag(vcovHC(sampled, type = "HC1"))))))
clustered <- svyglm(y ~ x + g, svydesign(~firm, weights = ~w, data = rows))
G <- length(unique(rows$firm))
stopifnot(all.equal(unname(sqrt(diag(vcov(clustered)) * (n - 1) / (n - k))), unname(sqrt(diag(vcovCL(sampled, ~firm, type = "HC1"))))))
probability <- list(coefficients = I(unname(coef(survey))), survey = errors(vcov(survey)), errors = errors(vcovHC(sampled, type = "HC1")),
                    clustered = errors(vcovCL(sampled, ~firm, type = "HC1")), sigma = analytic$sigma, r2 = analytic$r2)
cat(json(list(frequency = frequency, analytic = analytic, probability = probability)), "\n")
