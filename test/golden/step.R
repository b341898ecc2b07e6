# Goldens of src/linear/selection/stepwise.ts: Rscript test/golden/step.R > test/golden/step.json
source("test/golden/json.R")
invisible(Sys.setlocale("LC_COLLATE", "C"))
texts <- function(data) { for (v in names(data)) if (is.factor(data[[v]])) data[[v]] <- as.character(data[[v]]); data }
table1 <- function(tab, sign) {
  tab <- tab[rownames(tab) != "<none>" & !is.na(tab$Df) & tab$Df != 0, ]
  lapply(seq_len(nrow(tab)), function(i) list(change = paste(sign, rownames(tab)[i]), df = tab$Df[i],
    sumOfSquares = tab$`Sum of Sq`[i], rss = tab$RSS[i], criterion = tab$AIC[i]))
}
case <- function(data, formula, direction, criterion) {
  d <- texts(get(data)); n <- nrow(d)
  full <- eval(substitute(lm(f, d), list(f = as.formula(formula))))
  none <- update(full, . ~ 1)
  k <- if (criterion == "bic") log(n) else 2
  start <- if (direction == "forward") none else full
  fit <- step(start, scope = list(lower = ~1, upper = formula(terms(full))), direction = direction, k = k, trace = 0)
  first <- c(if (direction != "forward") table1(drop1(start, k = k), "-"),
             if (direction == "forward") table1(add1(start, formula(terms(full)), k = k), "+"))
  list(call = sprintf("step(lm(%s, %s), direction = \"%s\", k = %s)", formula, data, direction, format(k)), data = data,
       formula = formula, direction = direction, criterion = criterion, changes = I(as.character(fit$anova$Step)[-1]),
       criteria = I(fit$anova$AIC), terms = I(attr(terms(fit), "term.labels")), rss = deviance(fit), first = I(first))
}
cases <- list(
  case("mtcars", "mpg ~ .", "both", "aic"), case("mtcars", "mpg ~ .", "backward", "bic"),
  case("mtcars", "mpg ~ .", "forward", "aic"), case("swiss", "Fertility ~ .", "both", "bic"),
  case("warpbreaks", "breaks ~ wool * tension", "both", "aic"), case("warpbreaks", "breaks ~ wool * tension", "forward", "aic"),
  case("iris", "Sepal.Length ~ (Sepal.Width + Petal.Length + Petal.Width + Species)^2", "both", "aic"),
  case("iris", "Sepal.Length ~ (Sepal.Width + Petal.Length + Petal.Width + Species)^2", "forward", "bic"),
  case("ToothGrowth", "len ~ supp * dose + I(dose^2) + supp:I(dose^2)", "both", "aic"))
used <- c("mtcars", "swiss", "warpbreaks", "iris", "ToothGrowth")
cat(json(list(r = R.version.string, data = setNames(lapply(used, function(d) as.list(texts(get(d)))), used), cases = I(cases))), "\n", sep = "")
