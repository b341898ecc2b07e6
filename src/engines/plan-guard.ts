import { DataError } from "../errors.js";

/** What is read of a plan of PostgreSQL's. */
interface PlanNode {
  "Node Type"?: string;
  Relations?: string;
  "Relation Name"?: string;
  "Remote SQL"?: string;
  Plans?: PlanNode[];
}

/**
 * Refuses a plan by which another server would send its rows instead of their sums: every foreign scan of one that does
 * not is an aggregate there.
 *
 * @param plan what EXPLAIN (FORMAT JSON, VERBOSE) answers
 * @throws DataError with the table and what the other server would be asked
 */
export function checkPlan(plan: unknown, file: string): void {
  const [root] = (typeof plan === "string" ? JSON.parse(plan) : plan) as { Plan?: PlanNode }[];
  const visit = (node: PlanNode): void => {
    if (node["Node Type"] === "Foreign Scan" && !/^Aggregate on/.test(node.Relations ?? "")) {
      const table = node["Relation Name"] ?? node.Relations ?? "a foreign table";
      throw new DataError(
        `rows of ${table} would cross instead of their sums: its server would be asked ${shortened(node["Remote SQL"] ?? "for them")}`,
        {
          place: { file },
          hint:
            "an expression that the other server is not trusted with keeps sums here: a function of an extension, a " +
            "collation, a type of its own; take it out, or leave sums to one server",
        },
      );
    }
    node.Plans?.forEach(visit);
  };
  if (root?.Plan !== undefined) visit(root.Plan);
}

function shortened(sql: string): string {
  return sql.length > 120 ? `${sql.slice(0, 120)}…` : sql;
}
