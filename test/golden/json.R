# Writes R values as JSON with all 17 digits (jsonlite stops at 15); NA and NaN become null, infinities strings.
# Scripts that make goldens source it: source("test/golden/json.R"); run them from the package's root.
json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x) || length(x) != 1 || inherits(x, "AsIs")) {
    class(x) <- setdiff(class(x), "AsIs")
    parts <- vapply(seq_along(x), function(i) json(x[[i]]), "")
    if (is.null(names(x))) return(paste0("[", paste(parts, collapse = ", "), "]"))
    return(paste0("{", paste0(encodeString(names(x), quote = '"'), ": ", parts, collapse = ",\n"), "}"))
  }
  if (is.character(x)) return(if (is.na(x)) "null" else encodeString(x, quote = '"'))
  if (is.factor(x)) return(encodeString(as.character(x), quote = '"'))
  if (is.logical(x)) return(if (is.na(x)) "null" else if (x) "true" else "false")
  if (is.na(x)) return("null")
  if (is.finite(x)) sprintf("%.17g", x) else encodeString(sub("Inf", "Infinity", format(x)), quote = '"')
}
