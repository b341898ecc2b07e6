/** An edge that leads from one site to another: what a node of the one gives is read at the other. */
export interface CutEdge {
  /** Its number among the graph's cut edges, the same at all sites. */
  readonly number: number;
  readonly from: number;
  readonly to: number;
  /** The label of the node whose value it carries, and of the first node that reads it there. */
  readonly node: string;
  readonly reader: string;
  readonly bytes: number;
}

/** What the sites of a graph have to agree on: they are given the same graph, and cut it alike. */
export interface CutProgram {
  readonly edges: readonly CutEdge[];
  /** A hash of the graph, its placement and its outputs. */
  readonly fingerprint: string;
  /** How many runs may be under way at a time. */
  readonly capacity: number;
}
