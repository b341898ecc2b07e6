import type { Dialect } from "../csv/dialect.js";

/** How rows of a typed table are written as text, where they are. */
export const TYPED_DIALECT: Dialect = {
  delimiter: ",",
  header: true,
  newline: "\n",
  bom: false,
  odd: false,
  blanks: false,
};
