# Goldens of fits under contrasts: Rscript test/golden/coded-fits.R > test/golden/coded-fits.json
# lm(), anova(), car::Anova(type = 3), emmeans and predict() of test/golden/data/factorial.csv, of which one cell is empty.
# emmeans cannot take C() apart: it is asked of the same model without, for means do not depend on the coding.
source("test/golden/json.R")
suppressMessages({library(car); library(emmeans)})
d <- read.csv("test/golden/data/factorial.csv", stringsAsFactors = TRUE)
new <- data.frame(supply = factor(c("pills", "juice", "none"), levels = levels(d$supply)), dose = c(0.5, 2, 1),
                  block = factor(c("b1", "b6", "b3"), levels = levels(d$block)))
case <- function(formula, type3 = TRUE, means = NULL, plain = NULL) {
  m <- lm(as.formula(formula), d)
  s <- summary(m)$coefficients
  list(formula = formula, names = I(names(coef(m))), coefficients = I(unname(coef(m))), se = I(unname(s[, 2])), rss = deviance(m),
       anova = with(anova(m), list(df = I(Df), ss = I(`Sum Sq`))),
       type3 = if (type3) with(Anova(m, type = 3), list(df = I(Df), ss = I(`Sum Sq`))) else NULL, of = means,
       means = if (is.null(means)) NULL else {
         e <- as.data.frame(emmeans(lm(as.formula(plain), d), means))
         list(level = I(as.character(e[[1]])), mean = I(e$emmean), se = I(e$SE)) },
       predictions = I(unname(suppressWarnings(predict(m, new)))))
}
cases <- list(
  case("grams ~ C(supply, sum) + C(factor(dose), helmert) + C(block, sum)", means = "supply", plain = "grams ~ supply + factor(dose) + block"),
  case("grams ~ C(supply, helmert) * log(dose) + C(block, sum)"),
  case("grams ~ C(block, poly) + C(supply, sum) * dose", means = "block", plain = "grams ~ block + supply * dose"),
  case("grams ~ C(supply, sum) * C(factor(dose), poly)", type3 = FALSE),
  case("grams ~ C(supply, c(-1, 0, 1), 1) + C(factor(dose), poly, 1)", type3 = FALSE),
  case("grams ~ C(supply, c(-1, 0, 1)) + C(block, contr.treatment, base = 3)", type3 = FALSE, means = "supply", plain = "grams ~ supply + block"),
  case("grams ~ C(supply, sum) / dose + relevel(block, ref = \"b3\")", type3 = FALSE),
  case("grams ~ C(supply, helmert):C(block, sum) - 1", type3 = FALSE),
  case("grams ~ C(factor(supply, levels = c(\"juice\", \"pills\")), sum) * C(factor(dose), sum)"))
cat(json(list(r = R.version.string, cases = cases)), "\n", sep = "")
