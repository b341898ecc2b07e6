# data.table reads and writes, R multiplies: the predictions of coefficients, the intercept first, as CSV.
suppressMessages(library(data.table))
args <- commandArgs(trailingOnly = TRUE)
theta <- scan(text = gsub("[][]", "", readLines(args[2], warn = FALSE)), sep = ",", quiet = TRUE)
data <- fread(args[1])
X <- as.matrix(data[, seq_len(length(theta) - 1), with = FALSE])
fwrite(list(prediction = as.vector(theta[1] + X %*% theta[-1])), args[3])
