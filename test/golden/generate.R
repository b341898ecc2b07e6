# Writes the generated data sets of test/golden/data, rounded so that the CSV holds the very numbers:
# Rscript test/golden/generate.R
set.seed(20261120, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
save <- function(name, data)
  write.csv(data, paste0("test/golden/data/", name, ".csv"), row.names = FALSE, quote = FALSE, na = "")

# Errors whose deviation grows with x and that share a part within each of 24 groups; weights.
n <- 240
group <- sample(sprintf("g%02d", 1:24), n, replace = TRUE)
x <- round(runif(n, 1, 9), 3); z <- round(rnorm(n, 50, 4), 2)
shared <- rnorm(24)[as.integer(factor(group))]
save("hetero", data.frame(x, z, group, w = sample(1:5, n, replace = TRUE) / 2,
                          y = round(3 + 2 * x - 0.1 * z + shared + 0.4 * x * rnorm(n), 4)))

# Cells missing from every kind of column.
n <- 150
a <- round(rnorm(n, 10, 3), 3); b <- round(rexp(n, 0.2), 3); kind <- sample(c("clay", "loam", "sand"), n, TRUE)
y <- round(5 + 0.7 * a + log(b + 1) + c(clay = 0, loam = 1.2, sand = -0.8)[kind] + rnorm(n, 0, 0.8), 4)
a[sample(n, 9)] <- NA; b[sample(n, 7)] <- NA; kind[sample(n, 6)] <- NA; y[sample(n, 5)] <- NA
save("gaps", data.frame(a, b, kind, y))

# c = a + b and twice = 2 a, and a factor within a factor: rank 2 of 4 columns, and aliased levels.
n <- 90
a <- round(rnorm(n), 2); b <- round(rnorm(n, 4), 2)
town <- sample(c("ayr", "bath", "cork", "deal"), n, TRUE)
save("deficient", data.frame(a, b, c = round(a + b, 2), twice = round(2 * a, 2), town,
                             country = c(ayr = "scotland", bath = "england", cork = "ireland", deal = "england")[town],
                             y = round(1 + a - 2 * b + 0.5 * (town == "cork") + rnorm(n, 0, 0.6), 4)))

# Two factors, one by numbers, with an empty cell.
design <- expand.grid(rep = 1:6, dose = c(0.5, 1, 2), supply = c("pills", "juice", "none"))
design <- design[!(design$dose == 2 & design$supply == "none"), ]
save("factorial", with(design, data.frame(supply, dose, block = paste0("b", rep), grams =
  round(8 + 4 * log(dose) + c(pills = 0, juice = 2, none = -3)[as.character(supply)] +
          (supply == "juice") * dose + rnorm(nrow(design), 0, 1.1), 3))))

# A cubic trend with correlated errors, far from zero.
n <- 72
t <- 1:n
save("trend", data.frame(t, sun = round(10 + 5 * sin(t / 6) + rnorm(n, 0, 0.5), 3),
  output = round(1000 + 3 * t - 0.08 * t^2 + 0.0007 * t^3 + as.numeric(arima.sim(list(ar = 0.6), n)) * 2, 3)))

# Strong multicollinearity: x2 is x1 but for a thousandth.
n <- 60
x1 <- round(rnorm(n, 100, 10), 3)
save("collinear", data.frame(x1, x2 = round(x1 + rnorm(n, 0, 0.01), 4), x3 = round(runif(n), 4),
                             y = round(2 * x1 + 10 * runif(n), 3)))
