# data.table's fread reads, lm fits (a formula, or the last column on all others), summary summarises; prints the
# coefficients, the intercept first.
arguments <- commandArgs(trailingOnly = TRUE)
data <- data.table::fread(arguments[1])
target <- names(data)[ncol(data)]
formula <- if (length(arguments) > 1) arguments[2] else paste(target, "~ .")
model <- lm(as.formula(formula), data)
summarised <- summary(model)
stopifnot(is.finite(summarised$sigma))
cat("[", paste(format(coef(model), digits = 17), collapse = ","), "]\n", sep = "")
