/**
 * Rows are read, centred and multiplied in blocks of up to this many, wherever they come from; also the distance, in
 * doubles, of a block's columns. In a file of its own, for what needs the number and not the kernels.
 */
export const BLOCK_ROWS = 128;
