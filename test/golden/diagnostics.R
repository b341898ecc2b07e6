# Rscript test/golden/diagnostics.R > test/golden/diagnostics.json   (r-cran-lmtest)
# White's test by bptest on squares and products, Breusch and Godfrey's, DFBETAS and COVRATIO, and Chow's test as anova of nested fits.
suppressMessages(library(lmtest))
source("test/golden/json.R")
d <- read.csv("data/boston.csv")
fit <- lm(medv ~ rm + lstat + chas, d)
white <- bptest(fit, data = d, varformula = ~ rm + lstat + chas + I(rm^2) + I(lstat^2) + rm:lstat + rm:chas + lstat:chas)
bg <- lapply(c(1, 4), function(l) bgtest(fit, order = l))
weighted <- lm(medv ~ rm + lstat, d, weights = tax)
origin <- lm(medv ~ rm + lstat - 1, d)
chow <- function(whole, apart) {
  a <- anova(whole, apart)
  list(f = a$F[2], df1 = a$Df[2], df2 = a$Res.Df[2], p = a$`Pr(>F)`[2])
}
test <- function(t) list(statistic = unname(t$statistic), df = unname(t$parameter), p = unname(t$p.value))
cat(json(list(
  white = test(white), bg = lapply(bg, test), originBg = test(bgtest(origin, order = 2)),
  dfbetas = lapply(1:5, function(i) unname(dfbetas(fit)[i, ])), covratio = unname(covratio(fit)[1:5]),
  weightedDfbetas = lapply(1:5, function(i) unname(dfbetas(weighted)[i, ])), weightedCovratio = unname(covratio(weighted)[1:5]),
  chow = chow(lm(medv ~ rm + lstat, d), lm(medv ~ (rm + lstat) * factor(rad), d)),
  chowOrigin = chow(lm(medv ~ rm + lstat - 1, d), lm(medv ~ (rm + lstat):factor(chas) - 1, d))
)), "\n")
