# Goldens of src/stats/metrics.ts: Rscript test/golden/metrics.R > test/golden/metrics.json
source("test/golden/json.R")
describe <- function(call) {
  fit <- eval(parse(text = call))
  w <- weights(fit); s <- summary(fit); y <- model.response(model.frame(fit))
  if (is.null(w)) w <- rep(1, length(y))
  intercept <- attr(terms(fit), "intercept") == 1
  centre <- if (intercept) weighted.mean(y, w) else 0
  list(call = call, n = sum(w > 0), p = fit$rank, intercept = intercept, rss = sum(w * residuals(fit)^2),
       tss = sum(w * (y - centre)^2), sumLogW = sum(log(w[w > 0])),
       expected = list(sigma = s$sigma, r2 = s$r.squared, adjR2 = s$adj.r.squared, f = unname(s$fstatistic[1]),
                       fDf = unname(s$fstatistic[2]), dfResidual = fit$df.residual,
                       logLik = as.numeric(logLik(fit)), aic = AIC(fit), bic = BIC(fit),
                       # Alone among these, extractAIC counts the rows of weight 0; goml never does.
                       aicExtract = extractAIC(update(fit, subset = w > 0))[2]))
}
fits <- list(
  describe("lm(mpg ~ wt + hp, mtcars)"),
  describe("lm(mpg ~ wt + hp - 1, mtcars)"),
  describe("lm(mpg ~ wt, mtcars, weights = qsec)"),
  describe("lm(mpg ~ wt, mtcars, weights = carb - 1)"),
  describe("lm(dist ~ speed, cars)"))
cat(json(list(r = R.version.string, fits = fits)), "\n", sep = "")
