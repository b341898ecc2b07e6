# Goldens of slopes by level: Rscript test/golden/slopes.R > test/golden/slopes.json
# Debian 12: R 4.2.2. lm with every indicator and interaction spelled out; the file holds the data with the results.
source("test/golden/json.R")
set.seed(11)
n <- 150
firm <- sample(12, n, replace = TRUE)
year <- sample(5, n, replace = TRUE)
x <- firm / 5 + rnorm(n)
v <- rnorm(n)
z <- x / 2 + year / 3 + rnorm(n)
d <- data.frame(y = round(2 * z + sin(firm) * x + cos(year) + v / firm + rnorm(n), 6), x = round(x, 6), v = round(v, 6),
                z = round(z, 6), w = sample(4, n, replace = TRUE) / 2, firm = sprintf("f%02d", firm), year = year)
# A firm of one row, whose slope nothing tells.
d[nrow(d) + 1, ] <- list(1, 0.5, 0.25, 0.125, 1, "f99", 3)

describe <- function(ours, theirs, weighted) {
  d$.w <- if (weighted) d$w else 1
  fit <- lm(as.formula(theirs), d, weights = .w)
  s <- summary(fit)$coefficients
  keep <- grep("^z$|:", rownames(s))
  list(ours = ours, call = sprintf("lm(%s%s)", theirs, if (weighted) ", weights = w" else ""), weighted = weighted,
       names = rownames(s)[keep], estimates = unname(s[keep, 1]), errors = unname(s[keep, 2]),
       dfResidual = fit$df.residual, rss = sum(d$.w * resid(fit)^2), fitted = unname(fitted(fit)[1:12]))
}

cases <- list()
for (weighted in c(FALSE, TRUE)) for (pair in list(
  c("y ~ z | firm[x]", "y ~ z + firm + firm:x"),
  c("y ~ z | firm[x] + year", "y ~ z + firm + firm:x + factor(year)"),
  c("y ~ z | firm[x, v] + year", "y ~ z + firm + firm:x + firm:v + factor(year)"),
  c("y ~ z | firm[[x]] + year", "y ~ 0 + z + firm:x + factor(year)"),
  c("y ~ z | firm[[x]]", "y ~ 0 + z + firm:x"),
  c("y ~ z | firm + year[x]", "y ~ z + firm + factor(year) + factor(year):x"),
  c("y ~ z | firm[log(w)]", "y ~ z + firm + firm:log(w)")
)) cases[[length(cases) + 1]] <- describe(pair[1], pair[2], weighted)
cat(json(list(r = R.version.string, data = d, cases = cases)))
