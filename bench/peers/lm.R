# data.table's fread reads, lm fits, summary summarises; prints the coefficients, the intercept first.
arguments <- commandArgs(trailingOnly = TRUE)
data <- data.table::fread(arguments[1])
target <- names(data)[ncol(data)]
model <- lm(as.formula(paste(target, "~ .")), data)
summarised <- summary(model)
stopifnot(is.finite(summarised$sigma))
cat("[", paste(format(coef(model), digits = 17), collapse = ","), "]\n", sep = "")
