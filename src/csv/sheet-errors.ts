/** How spreadsheets write a cell without a value, behind its `#`. */
export const SHEET_ERRORS = [
  "N/A",
  "DIV/0!",
  "REF!",
  "VALUE!",
  "NAME?",
  "NUM!",
  "NULL!",
  "SPILL!",
  "CALC!",
] as const;
