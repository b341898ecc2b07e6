# Goldens of linear hypotheses: Rscript test/golden/hypotheses.R > test/golden/hypotheses.json
# car::linearHypothesis(fit, hypotheses, vcov. = …, test = "F" and "Chisq"); `written` is the same as goml is given it.
source("test/golden/json.R")
suppressMessages({ library(sandwich); library(lmtest); library(car); library(multcomp) })
invisible(Sys.setlocale("LC_COLLATE", "C"))
ask <- function(file, formula, hypotheses, written = hypotheses, weights = NULL, vcov = "iid", cluster = NULL) {
  data <- read.csv(file, stringsAsFactors = TRUE)
  call <- sprintf("lm(%s, data%s)", formula, if (is.null(weights)) "" else paste0(", weights = ", weights))
  fit <- eval(parse(text = call))
  V <- switch(vcov, iid = vcov(fit), cluster = vcovCL(fit, cluster = data[[cluster]]),
              vcovHC(fit, type = toupper(vcov)))
  # Clusters: t and F on G - 1 degrees of freedom, as goml's summary has them.
  df <- if (vcov == "cluster") length(unique(data[[cluster]])) - 1 else fit$df.residual
  H <- linearHypothesis(fit, hypotheses, vcov. = V, test = "F"); f <- H$F[2]; q <- H$Df[2]
  C <- linearHypothesis(fit, hypotheses, vcov. = V, test = "Chisq")
  L <- makeHypothesis(names(coef(fit)), hypotheses); if (q == 1) L <- matrix(L, 1)
  rhs <- L[, ncol(L)]; L <- L[, -ncol(L), drop = FALSE]
  estimate <- drop(L %*% coef(fit)); se <- sqrt(diag(L %*% V %*% t(L))); t <- (estimate - rhs) / se
  # summary(glht(fit, linfct = L, rhs = rhs, vcov. = V, df = df), test = adjusted("holm"))$test$pvalues
  holm <- summary(glht(fit, linfct = L, rhs = rhs, vcov. = V, df = as.integer(df)), test = adjusted("holm"))$test$pvalues
  out <- list(file = file, call = call, formula = formula, weights = weights, vcov = vcov, cluster = cluster,
              hypotheses = I(hypotheses), written = I(written), estimate = I(unname(estimate)), value = I(unname(rhs)),
              stdError = I(unname(se)), t = I(unname(t)), p = I(unname(2 * pt(-abs(t), df))), holm = I(as.vector(holm)),
              lower = I(unname(estimate - qt(0.975, df) * se)), upper = I(unname(estimate + qt(0.975, df) * se)),
              joint = list(f = f, df1 = q, df2 = df, p = pf(f, q, df, lower.tail = FALSE), chiSquare = C$Chisq[2],
                           chiSquareP = C$`Pr(>Chisq)`[2]))
  if (vcov == "iid") {
    # The restricted fit by its Lagrangian: theta0 = theta - S L'(L S L')^-1 (L theta - r), S = (X'WX)^-1.
    X <- model.matrix(fit); w <- if (is.null(fit$weights)) rep(1, nrow(X)) else fit$weights
    S <- solve(crossprod(X * sqrt(w))); d <- estimate - rhs
    theta <- coef(fit) - drop(S %*% t(L) %*% solve(L %*% S %*% t(L), d))
    rss0 <- sum(w * (model.response(model.frame(fit)) - X %*% theta)^2); rss <- deviance(fit); n <- sum(w > 0)
    out$joint$lr <- n * log(rss0 / rss); out$joint$lrP <- pchisq(out$joint$lr, q, lower.tail = FALSE)
    out$joint$lm <- n * (rss0 - rss) / rss0; out$joint$lmP <- pchisq(out$joint$lm, q, lower.tail = FALSE)
  }
  out
}
boston <- "data/boston.csv"; wages <- "data/cps-wages.csv"; hetero <- "test/golden/data/hetero.csv"
factorial <- "test/golden/data/factorial.csv"
all <- "medv ~ crim + zn + indus + chas + nox + rm + age + dis + rad + tax + ptratio + b + lstat"
sets <- list(
  ask(boston, all, "rm = 4"),
  ask(boston, all, c("crim = zn", "rm + 2*lstat = 3"), c("crim=zn", "2*lstat+rm == 3")),
  ask(boston, all, c("indus = 0", "age = 0"), c("indus", "(age)")),
  ask(boston, all, c("crim - zn = 0", "zn - indus = 0"), c("crim = zn = indus")),
  ask(boston, all, c("2*rm - 0.5*nox - 0.5*dis = 1"), c("2*(rm - (nox + dis)/4) = 1")),
  ask(boston, "medv ~ lstat + I(lstat^2) + log(crim)", c("I(lstat^2) = 0.04", "log(crim) = lstat"),
      c("I( lstat ^2 ) = 4e-2", "`log(crim)` = 'lstat'")),
  ask(boston, "medv ~ poly(rm, 3, raw = TRUE) + lstat",
      c("poly(rm, 3, raw = TRUE)2 = 0", "poly(rm, 3, raw = TRUE)3 = 0"),
      c("poly(rm,3,raw=TRUE)2 = 0", "poly(rm, 3, raw = TRUE)3")),
  ask(wages, "log(wage) ~ education + occupation * gender",
      c("occupationother = occupationsales", "gendermale + occupationservice:gendermale = 0.1")),
  ask(wages, "log(wage) ~ education + occupation",
      paste0("occupation", c("management", "other", "professional", "sales", "service"), " = 0"),
      "occupation"),
  ask(wages, "wage ~ education + experience - 1", c("education = experience")),
  ask(factorial, "grams ~ supply + factor(dose)", c("supplynone = 2*supplypills", "factor(dose)1 = 1"),
      c("supplynone = 2*supplypills", "factor(dose)1=1")),
  ask(hetero, "y ~ x + z", c("x = 2", "z = -0.1"), weights = "w"))
for (v in c("hc0", "hc1", "hc2", "hc3")) sets <- c(sets, list(
  ask(hetero, "y ~ x + z", c("x = 2", "z = -0.1"), vcov = v),
  ask(hetero, "y ~ x * z", c("x + 50*x:z = 2", "(Intercept) = 0"), vcov = v, weights = "w"),
  ask(wages, "log(wage) ~ education + gender + experience", c("education = 2*experience", "gendermale = 0.25"), vcov = v)))
sets <- c(sets, list(
  ask(hetero, "y ~ x + z", c("x = 2", "z = -0.1"), vcov = "cluster", cluster = "group"),
  ask(hetero, "y ~ x + z", "x + 10*z = 1", vcov = "cluster", cluster = "group", weights = "w"),
  ask(boston, "medv ~ rm + lstat + nox", c("rm = 5", "lstat + 0.05*nox = -1"), c("rm = 5", "lstat + nox/20 = -1"),
      vcov = "cluster", cluster = "rad")))
cat(json(sets), "\n")
