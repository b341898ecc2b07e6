/** What one model is written as in place of its summary. */
export const MODEL_FORMATS = ["markdown", "latex", "html", "tidy", "glance"] as const;

/** What a table of models is written as. */
export const TABLE_FORMATS = ["text", ...MODEL_FORMATS, "csv", "json"] as const;

export type TableFormat = (typeof TABLE_FORMATS)[number];
