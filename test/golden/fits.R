# Goldens of whole fits, on data sets other than Boston: Rscript test/golden/fits.R > test/golden/fits.json
source("test/golden/json.R")
describe <- function(file, call, options = list()) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  fit <- eval(parse(text = call)); s <- summary(fit); table <- unname(coef(s)); interval <- unname(confint(fit))
  list(file = file, call = call, options = options, terms = I(names(coef(fit))),
       estimate = I(table[, 1]), stdError = I(table[, 2]), t = I(table[, 3]), p = I(table[, 4]),
       lower = I(interval[, 1]), upper = I(interval[, 2]),
       fit = list(mse = mean(resid(fit)^2), sigma = s$sigma, r2 = s$r.squared, adjR2 = s$adj.r.squared,
                  f = unname(s$fstatistic[1]), fDf = unname(s$fstatistic[2]), dfResidual = fit$df.residual,
                  logLik = as.numeric(logLik(fit)), aic = AIC(fit), aicExtract = extractAIC(fit)[2],
                  bic = BIC(fit)),
       covariance = I(vcov(fit)[upper.tri(vcov(fit), diag = TRUE)]))
}
cps <- "data/cps-wages.csv"; infant <- "data/infant-mortality.csv"
fits <- list(
  # Years of education and of experience add up to the age less six, but for one person: condition number 5,000.
  describe(cps, "lm(wage ~ education + south + experience + union + age + married, data)",
           list(features = I(c("education", "south", "experience", "union", "age", "married")))),
  # Text columns are factors, in both: treatment contrasts to the first level in alphabetical order.
  describe(cps, "lm(wage ~ ., data)"),
  describe(cps, "lm(wage ~ education + union - 1, data)",
           list(features = I(c("education", "union")), intercept = FALSE)),
  describe(infant, "lm(white ~ year + black, data)"),
  describe(infant, "lm(black ~ white, data)", list(target = "black", features = I("white"))))
cat(json(list(r = R.version.string, fits = fits)), "\n", sep = "")
