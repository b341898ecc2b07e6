# Goldens of equations with instruments: Rscript test/golden/instruments.R > test/golden/instruments.json
# Debian 12: R 4.2.2, AER 1.2-10, gmm 1.7, sandwich 3.0-2; gretl 2022c makes LIML beside them (gretlcli -b).
# The data are drawn here; the file holds them with the results. What no package has is written out from its paper.
suppressMessages({ library(AER); library(sandwich); library(gmm) })
source("test/golden/json.R")

draw <- function(seed, n, strength) {
  set.seed(seed)
  z1 <- rnorm(n); z2 <- rnorm(n); z3 <- rnorm(n)
  w <- rnorm(n, 2); g <- sample(letters[1:5], n, TRUE); s <- sample(c("n", "o", "p"), n, TRUE)
  u <- rnorm(n) * (1 + abs(w - 2) / 2) + rnorm(n / 5)[rep(seq_len(n / 5), each = 5)] / 2
  x <- 1 + strength * (z1 + z2 / 2 + (s == "o")) + w / 3 + match(g, letters) / 5 + u / 2 + rnorm(n)
  x2 <- strength * (z2 - z3) + w / 10 - u / 3 + rnorm(n)
  y <- 2 + 1.5 * x - 0.7 * x2 + 0.8 * w + match(g, letters) / 3 + u
  data.frame(y = round(y, 6), x = round(x, 6), x2 = round(x2, 6), w = round(w, 6), z1 = round(z1, 6), z2 = round(z2, 6),
             z3 = round(z3, 6), wt = sample(4, n, TRUE) / 2, g = g, s = s,
             cl = sprintf("c%02d", rep(seq_len(n / 5), each = 5)), stringsAsFactors = FALSE)
}
sets <- list(strong = draw(11, 120, 0.8), weak = draw(12, 60, 0.12))
cases <- list(
  list("strong", "x", "w", "z1 + z2"), list("strong", "x", "w", "z1"), list("strong", "x + x2", "w", "z1 + z2 + z3"),
  list("strong", "x + x2", "w", "z2 + z3"), list("strong", "x", "w + g", "z1 + z2 + z3", weighted = TRUE),
  list("strong", "x", "w - 1", "z1 + z2"), list("strong", "x", "w", "z1 + s"), list("strong", "x", "1", "z1 + z2 + z3"),
  list("weak", "x", "w", "z1 + z2"), list("weak", "x", "w", "z3"), list("weak", "x", "w + g", "z1 + z2 + z3"),
  list("weak", "x + x2", "w", "z1 + z2 + z3"), list("strong", "log(abs(x) + 1)", "w", "z1 + I(z1^2) + z1:z2")
)
inv <- solve
# A x of least squares on the columns of W, with weights.
out <- function(A, W) if (ncol(W) == 0) A else A - W %*% qr.coef(qr(W), A)

describe <- function(data, endogenous, exogenous, instruments, weighted = FALSE) {
  d <<- sets[[data]] # ivreg looks there for it
  d$.w <<- if (weighted) d$wt else 1
  f <- as.formula(sprintf("y ~ %s + %s | %s + %s", endogenous, exogenous, exogenous, instruments))
  fit <- ivreg(f, data = d, weights = .w)
  s <- summary(fit, diagnostics = FALSE)
  # All by matrices, rows scaled by the roots of the weights.
  r <- sqrt(d$.w); n <- nrow(d)
  X <- model.matrix(fit, component = "regressors") * r
  ZZ <- model.matrix(fit, component = "instruments") * r
  endo <- setdiff(colnames(X), colnames(ZZ)); exo <- intersect(colnames(X), colnames(ZZ))
  inst <- setdiff(colnames(ZZ), colnames(X))
  W <- X[, exo, drop = FALSE]; Y <- X[, endo, drop = FALSE]; Z <- ZZ[, inst, drop = FALSE]; y <- d$y * r
  m <- ncol(Y); l <- ncol(Z); k <- ncol(X); q <- ncol(ZZ); df <- n - q
  yt <- out(cbind(y), W); Yt <- out(Y, W); Zt <- out(Z, W)
  P <- function(A) Zt %*% qr.coef(qr(Zt), A)
  E <- function(A) A - P(A)
  # LIML and Fuller (Davidson & MacKinnon 1993, 18.5).
  B <- cbind(yt, Yt)
  liml <- if (l == m) 1 else min(eigen(inv(crossprod(E(B))) %*% crossprod(B), only.values = TRUE)$values)
  kclass <- function(kappa) {
    M <- function(A) A - ZZ %*% qr.coef(qr(ZZ), A)
    A <- crossprod(X, X - kappa * M(X)); theta <- inv(A, crossprod(X, cbind(y) - kappa * M(cbind(y))))
    e <- y - X %*% theta
    list(kappa = kappa, estimates = unname(theta[, 1]), errors = unname(sqrt(diag(inv(A)) * sum(e^2) / (n - k))))
  }
  first <- lapply(endo, function(name) {
    a <- Yt[, name, drop = FALSE]; ss <- sum(P(a)^2); rest <- sum(E(a)^2)
    list(f = ss / l / (rest / df), partialR2 = ss / (ss + rest))
  })
  # Cragg & Donald 1993.
  cd <- min(Re(eigen(inv(crossprod(E(Yt)) / df) %*% crossprod(P(Yt)), only.values = TRUE)$values)) / l
  # Montiel Olea & Pflueger 2013, simplified: W of orthonormal instruments.
  mop <- function(Wm, pi) {
    x <- 10
    K <- sum(diag(Wm))^2 * (1 + 2 * x) / (sum(Wm^2) + 2 * x * sum(diag(Wm)) * max(eigen(Wm)$values))
    list(f = sum(pi^2) / sum(diag(Wm)), df = K, criticalValue = qchisq(0.95, K, ncp = x * K) / K)
  }
  O <- qr.Q(qr(Zt)); pi <- crossprod(O, Yt); V <- E(Yt); e1 <- c(E(yt))
  ols <- sum(out(y, X)^2); aug <- sum(out(y, cbind(X, V))^2); wdf <- n - k - m
  wu <- (ols - aug) / m / (aug / wdf)
  e <- c(y - X %*% coef(fit))
  sargan <- n * sum((ZZ %*% qr.coef(qr(ZZ), e))^2) / sum(e^2)
  # Anderson & Rubin 1949: the condition is a parabola in β, told by three values.
  arStat <- function(b) { v <- yt - Yt %*% rep(b, m); c(sum(P(v)^2) / l, sum(E(v)^2) / df) }
  at <- sapply(c(-1, 0, 1), function(b) { v <- arStat(b); v[1] - qf(0.95, l, df) * v[2] })
  parabola <- c((at[1] + at[3]) / 2 - at[2], (at[3] - at[1]) / 2, at[2])
  D <- parabola[2]^2 - 4 * parabola[1] * parabola[3]
  roots <- if (D < 0) NULL else sort((-parabola[2] + c(-1, 1) * sqrt(D)) / 2 / parabola[1])
  shape <- if (D < 0) { if (parabola[1] > 0) "empty" else "unbounded" } else if (parabola[1] > 0) "bounded" else "disjoint"
  # Robust: sandwich on the projected columns; meats of scores.
  Xh <- ZZ %*% qr.coef(qr(ZZ), X); A <- inv(crossprod(Xh))
  cl <- d$cl; G <- length(unique(cl))
  byCluster <- function(S) rowsum(S, cl)
  meat <- function(S, how) crossprod(if (how == "cluster") byCluster(S) else S)
  # r² of scores: rows are scaled by √w, so that their products are w.
  errors <- function(how, factor) unname(sqrt(diag(A %*% meat(Xh * e, how) %*% A) * factor))
  robust <- function(how) {
    c1 <- if (how == "cluster") G / (G - 1) * (n - 1) / df else n / df
    S <- meat(ZZ * e, how)
    g <- inv(crossprod(X, ZZ) %*% inv(S, crossprod(ZZ, X)))
    theta <- g %*% crossprod(X, ZZ) %*% inv(S, crossprod(ZZ, y))
    u <- crossprod(ZZ, y - X %*% theta)
    # Kleibergen & Paap 2006, of Yᵀ normalised, the rank m - 1 tested.
    Q <- chol(inv(crossprod(Yt))); Th <- pi %*% t(Q)
    sv <- svd(Th, nu = l, nv = m)
    U2 <- sv$u[, m:l, drop = FALSE]; V2 <- sv$v[, m, drop = FALSE]
    J <- do.call(cbind, lapply(seq_len(m), function(j) O * V[, j]))
    Om <- meat(J, how)
    R <- kronecker(t(V2) %*% Q, t(U2))
    lam <- t(U2) %*% Th %*% V2
    rk <- sum(lam * inv(R %*% Om %*% t(R), lam))
    # The test of Anderson & Rubin that all slopes are 0.
    D0 <- crossprod(O, yt); ar <- sum(D0 * inv(meat(O * e1, how), D0))
    c(list(hansen = if (l > m) sum(u * inv(S, u)) else NULL,
      gmm = list(estimates = unname(theta[, 1]), errors = unname(sqrt(diag(g)))),
      kleibergenPaap = rk / l / c1, andersonRubin = ar / l / c1),
      if (m == 1) list(effective = mop(Om * c1, pi)) else list())
  }
  out <- list(
    formula = sprintf("y ~ %s | 0 | %s ~ %s", exogenous, endogenous, instruments), data = data, weighted = weighted,
    terms = c(endo, exo), n = n, dfResidual = fit$df.residual,
    estimates = unname(coef(fit)[c(endo, exo)]), errors = unname(s$coefficients[c(endo, exo), 2]), sigma = s$sigma, r2 = s$r.squared,
    liml = kclass(liml), fuller = kclass(liml - 1 / df), fuller4 = kclass(liml - 4 / df), order = colnames(X),
    firstStages = first, craggDonald = cd, effective = if (m == 1) mop(diag(l) * sum(V^2) / df, pi) else NULL,
    wuHausman = wu, wuDf = wdf, sargan = if (l > m) sargan else NULL,
    andersonRubin = arStat(0)[1] / arStat(0)[2], set = if (m == 1) list(shape = shape, roots = I(as.list(roots))) else NULL,
    hc0 = errors("hc", 1), hc1 = errors("hc", n / (n - k)), cr1 = errors("cluster", G / (G - 1) * (n - 1) / (n - k)),
    hc = robust("hc"), cluster = robust("cluster"))
  # Where packages have the same, they must agree with what is written out above.
  diagnostics <- if (weighted) NULL else summary(fit, diagnostics = TRUE)$diagnostics
  if (!is.null(diagnostics)) {
    stopifnot(all.equal(unname(diagnostics[seq_len(m), 3]), unlist(lapply(first, `[[`, "f"))))
    stopifnot(all.equal(unname(diagnostics["Wu-Hausman", 3]), wu))
    # Without an intercept AER takes R² about the mean of residuals that do not sum to 0.
    if (l > m && "(Intercept)" %in% exo) stopifnot(all.equal(unname(diagnostics["Sargan", 3]), sargan))
    stopifnot(all.equal(unname(sqrt(diag(vcovHC(fit, type = "HC0")))), out$hc0))
    stopifnot(all.equal(unname(sqrt(diag(vcovCL(fit, cluster = cl, type = "HC1")))), out$cr1))
    if (l > m) {
      gX <<- X; gZ <<- ZZ
      g2 <- gmm(d$y ~ gX - 1, ~ gZ - 1, vcov = "MDS", centeredVcov = FALSE)
      stopifnot(all.equal(unname(coef(g2)), out$hc$gmm$estimates, tolerance = 1e-6))
    }
  }
  out
}

described <- lapply(cases, function(case) do.call(describe, case))
# gretl's LIML of the first case.
file <- tempfile(fileext = ".csv"); write.csv(sets$strong, file, row.names = FALSE)
script <- tempfile(fileext = ".inp")
writeLines(c(sprintf('open "%s" --quiet', file), "tsls y 0 x w ; 0 w z1 z2 --liml --quiet",
             'printf "%.15g %.15g %.15g\\n", $coeff[1], $coeff[2], $coeff[3]'), script)
said <- system2("gretlcli", c("-b", script), stdout = TRUE, stderr = TRUE)
line <- grep("^ *-?[0-9.e+-]+ -?[0-9.e+-]+ -?[0-9.e+-]+ *$", said, value = TRUE)
gretl <- as.numeric(strsplit(trimws(line[length(line)]), " +")[[1]])
stopifnot(all.equal(gretl, described[[1]]$liml$estimates[c(1, 2, 3)], tolerance = 1e-9))
cat(json(list(data = lapply(sets, as.list), cases = described, gretl = gretl)), "\n")
