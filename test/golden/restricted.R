# Rscript test/golden/restricted.R > test/golden/restricted.json
# Least squares under linear constraints: lm with the constraints put in by hand, on data of data/.
source("test/golden/json.R")
d <- read.csv("data/boston.csv")
row <- function(fit, L, shift, terms) {
  b <- as.vector(L %*% coef(fit)) + shift
  V <- L %*% vcov(fit) %*% t(L)
  list(terms = terms, estimate = b, stdError = sqrt(pmax(0, diag(V))), df = fit$df.residual, rss = sum(resid(fit)^2))
}
# rm + lstat = 1 in medv ~ rm + lstat + tax: lstat = 1 - rm.
one <- lm(I(medv - lstat) ~ I(rm - lstat) + tax, d)
L1 <- rbind(c(1, 0, 0), c(0, 1, 0), c(0, -1, 0), c(0, 0, 1))
# rm = 4, crim = zn in medv ~ crim + zn + rm.
two <- lm(I(medv - 4 * rm) ~ I(crim + zn), d)
L2 <- rbind(c(1, 0), c(0, 1), c(0, 1), c(0, 0))
cat(json(list(
  list(features = c("rm", "lstat", "tax"), constraints = list("rm + lstat = 1"),
       fit = row(one, L1, c(0, 0, 1, 0), c("(Intercept)", "rm", "lstat", "tax"))),
  list(features = c("crim", "zn", "rm"), constraints = list("rm = 4", "crim = zn"),
       fit = row(two, L2, c(0, 0, 0, 4), c("(Intercept)", "crim", "zn", "rm")))
)), "\n")
