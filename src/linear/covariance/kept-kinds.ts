import type { KeptMeat } from "../model/document-schema.js";

export type { KeptMeat };

/** Distinct rows with what their y add up to. */
export type KeptCells = Extract<KeptMeat, { kind: "cells" }>;

/** Sums of products of columns: of four each, or of two each by bucket. */
export type KeptProducts = Extract<KeptMeat, { kind: "quartic" | "buckets" }>;

/** How a model keeps what its rows say of the errors' variances. */
export type KeptKind = KeptMeat["kind"];
