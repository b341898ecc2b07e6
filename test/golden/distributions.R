# Goldens of src/stats/distributions.ts: Rscript test/golden/distributions.R > test/golden/distributions.json
# Tails below 1e-300 are left out: doubles lose digits there. So is where R itself is inexact: pt(1e-8, 1) is 0.5 to
# all digits there, qt(1e-250, 3) is off in the 9th digit (pt of it shows), qf(p, ...) is for small p.
source("test/golden/json.R")
rows <- function(grid, f) {
  grid$value <- do.call(f, unname(as.list(grid)))
  grid <- grid[is.finite(grid$value) & (abs(grid$value) > 1e-300), ]
  lapply(seq_len(nrow(grid)), function(i) as.numeric(grid[i, ]))
}
df <- c(1, 2, 3, 5, 10, 29.5, 100, 492, 1e4, 1e6)
p <- c(1e-20, 1e-5, 0.01, 0.05, 0.3, 0.45, 0.6, 0.9, 0.95, 0.975, 0.995)
x <- c(1e-5, .01, .3, 1, 1.7, 2.5, 4, 8, 15, 30, 37, 60, 200, 1e4, 1e8)
fs <- c(1e-6, .01, .3, 1, 2, 5, 20, 108, 700, 5e3, 1e6)
cat(json(list(
  r = R.version.string,
  tTwoSided = rows(expand.grid(x, df), function(t, df) 2 * pt(t, df, lower.tail = FALSE)),
  tSurvival = rows(expand.grid(c(-x, 0, x), df), function(t, df) pt(t, df, lower.tail = FALSE)),
  tQuantile = rows(expand.grid(p, df), function(p, df) qt(p, df)),
  fSurvival = rows(expand.grid(fs, c(1, 2, 3, 13, 60, 1000), c(1, 2, 10, 492, 1e4, 1e6, Inf)),
                   function(f, a, b) pf(f, a, b, lower.tail = FALSE)),
  fCdf = rows(expand.grid(fs, c(1, 2, 13, 60), c(1, 2, 10, 492, 1e4)), function(f, a, b) pf(f, a, b)),
  fQuantile = rows(expand.grid(p[p >= 0.3], c(1, 2, 13, 60), c(2, 10, 492)), function(p, a, b) qf(p, a, b)),
  chiSquareSurvival = rows(expand.grid(c(fs, 1350), c(1, 2, 3, 13, 60, 1000)),
                           function(x, df) pchisq(x, df, lower.tail = FALSE)),
  chiSquareCdf = rows(expand.grid(fs, c(1, 2, 3, 13, 60)), function(x, df) pchisq(x, df)),
  chiSquareQuantile = rows(expand.grid(p, c(1, 2, 3, 13, 60)), function(p, df) qchisq(p, df)),
  normalSurvival = rows(expand.grid(c(-x, x)), function(z) pnorm(z, lower.tail = FALSE)),
  normalQuantile = rows(expand.grid(p), function(p) qnorm(p)))), "\n", sep = "")
