# Rscript test/golden/windows.R > test/golden/windows.json
source("test/golden/json.R")
d <- read.csv("data/boston.csv")
of <- function(first, last) {
  fit <- lm(medv ~ rm + lstat + tax, d[first:last, ])
  list(first = first, last = last, theta = unname(coef(fit)), sigma = summary(fit)$sigma)
}
ends <- seq(120, nrow(d), by = 37)
grown <- seq(60, nrow(d), by = 100)
cat(json(list(rolling = lapply(ends, function(e) of(e - 119, e)), expanding = lapply(grown, function(e) of(1, e)))), "\n")
