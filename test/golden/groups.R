# Goldens of one model per group: Rscript test/golden/groups.R > test/golden/groups.json
# Debian 12: R 4.2.2. Data are drawn here; the file holds them with the results. Each group's fit is lm on its own rows,
# factors with the levels that they have there; a factor of one level is no term.
source("test/golden/json.R")

draw <- function(seed, sizes, change = identity) {
  set.seed(seed)
  g <- rep(paste0("g", seq_along(sizes)), sizes)
  n <- length(g)
  k <- as.integer(factor(g))
  x <- rnorm(n, k); z <- x / 2 + rnorm(n)
  f <- sample(c("p", "q", "r"), n, replace = TRUE); h <- sample(c("u", "v"), n, replace = TRUE)
  d <- data.frame(g, x, z, f, h, w = sample(4, n, replace = TRUE) / 2, stringsAsFactors = FALSE)
  d <- change(d)
  d$y <- 3 + k * d$x - d$z + 2 * (d$f == "q") - (d$f == "r" & d$h == "v") + rnorm(n)
  d[sample(n), ] |> within({ x <- round(x, 5); z <- round(z, 5); y <- round(y, 5) })
}
sets <- list(
  unbalanced = draw(1, c(6, 9, 14, 30, 75)),
  missingLevels = draw(2, c(25, 25, 25, 25), function(d) {
    d$f[d$g == "g1" & d$f == "p"] <- "q"      # without the first level
    d$f[d$g == "g2" & d$f == "r"] <- "p"      # without the last
    d$f[d$g == "g3"] <- "q"                   # a single one
    d
  }),
  emptyCells = draw(3, c(30, 30, 30, 30), function(d) {
    d$h[d$g == "g1" & d$f == "q"] <- "u"
    d$h[d$g == "g2" & d$f == "r"] <- "v"
    d$h[d$g == "g3" & d$f == "p"] <- "u"
    d$f[d$g == "g4" & d$h == "v"] <- "r"
    d
  }),
  deficient = draw(4, c(20, 20, 20, 20), function(d) {
    d$z[d$g == "g1"] <- 2 * round(d$x[d$g == "g1"], 2); d$x[d$g == "g1"] <- round(d$x[d$g == "g1"], 2)
    d$x[d$g == "g2"] <- 4
    d$z[d$g == "g3"] <- ifelse(d$f[d$g == "g3"] == "q", 1, 0)
    d
  }),
  zeroWeights = draw(5, c(18, 24, 40), function(d) { d$w[sample(nrow(d), 20)] <- 0; d }),
  far = draw(6, c(20, 30, 50), function(d) { d$x <- d$x + 1000; d$z <- d$z - 500; d })
)

one <- function(formula, d, weighted) {
  d$.w <- if (weighted) d$w else 1
  formula <- as.formula(formula, env = environment())
  for (name in c("f", "h"))
    if (length(unique(d[[name]][d$.w > 0])) == 1) formula <- update(formula, paste(". ~ . -", name))
  d$f <- factor(d$f, unique(sort(d$f[d$.w > 0]))); d$h <- factor(d$h, unique(sort(d$h[d$.w > 0])))
  fit <- lm(formula, d[d$.w > 0, ], weights = .w)
  if (fit$df.residual == 0) return(NULL)
  s <- summary(fit); table <- coef(s)
  at <- d[d$.w > 0, ][1, ]
  p <- suppressWarnings(predict(fit, at, se.fit = TRUE, interval = "prediction", weights = 1))
  list(group = d$g[1], terms = I(names(coef(fit))), estimate = I(unname(coef(fit))), kept = I(rownames(table)),
       stdError = I(unname(table[, 2])), sigma = s$sigma, r2 = s$r.squared, dfResidual = fit$df.residual,
       rss = sum(fit$weights * resid(fit)^2), logLik = as.numeric(logLik(fit)), row = as.list(at[c("g", "x", "z", "f", "h")]),
       predicted = I(unname(c(p$fit[1, ], p$se.fit))))
}
case <- function(data, formula, weighted = FALSE) {
  d <- sets[[data]]
  list(data = data, formula = formula, weighted = weighted,
       groups = Filter(Negate(is.null), unname(lapply(split(d, d$g), function(own) one(formula, own, weighted)))))
}
cases <- list(
  case("unbalanced", "y ~ x"), case("unbalanced", "y ~ x + z"), case("unbalanced", "y ~ x + z", TRUE),
  case("unbalanced", "y ~ x + z - 1"), case("unbalanced", "y ~ x + I(x^2)"), case("unbalanced", "y ~ x + f", TRUE),
  case("missingLevels", "y ~ x + f"), case("missingLevels", "y ~ f"), case("missingLevels", "y ~ x + f + h", TRUE),
  case("unbalanced", "y ~ f + x - 1"),
  case("emptyCells", "y ~ f * h"), case("emptyCells", "y ~ f * h + x", TRUE), case("emptyCells", "y ~ x + f:h"),
  case("emptyCells", "y ~ h * x + f"),
  case("deficient", "y ~ x + z"), case("deficient", "y ~ z + x"), case("deficient", "y ~ x + z", TRUE),
  case("deficient", "y ~ f + z + x"), case("deficient", "y ~ x * z"),
  case("zeroWeights", "y ~ x + z", TRUE), case("zeroWeights", "y ~ x * f", TRUE), case("zeroWeights", "y ~ x + f + h"),
  case("far", "y ~ x + z"), case("far", "y ~ x + z", TRUE), case("far", "y ~ x + f * h"))

# The one model in which every group has coefficients of its own: F tests of its terms, and Chow's of the groups.
together <- function(data, terms, weighted = FALSE) {
  d <- sets[[data]]; d$.w <- if (weighted) d$w else 1
  own <- paste0("g:", terms, collapse = " + ")
  table <- anova(lm(as.formula(paste("y ~ g +", own)), d, weights = .w))
  all <- lm(as.formula(paste("y ~", paste(terms, collapse = " + "))), d, weights = .w)
  chow <- anova(all, lm(as.formula(paste("y ~ g +", own)), d, weights = .w))
  list(data = data, terms = I(terms), weighted = weighted, df = I(table$Df[-1]), sumOfSquares = I(table$`Sum Sq`[-1]),
       f = I(table$`F value`[-1]), p = I(table$`Pr(>F)`[-1]), chowF = chow$F[2], chowDf = chow$Df[2], chowP = chow$`Pr(>F)`[2])
}
tests <- list(together("unbalanced", c("x", "z")), together("unbalanced", c("z", "x"), TRUE), together("far", c("x", "z")))
cat(json(list(r = R.version.string, sets = lapply(sets, function(d) lapply(as.list(d), I)), cases = cases, tests = tests)), "\n", sep = "")
