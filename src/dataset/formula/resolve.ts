import type { UsageError } from "../../errors.js";
import { option, type Wording, wording } from "../../wording.js";
import { nearestName } from "../nearest.js";
import type { Column } from "../schema.js";
import type { ColumnSummary, SummaryRequest } from "./column-summary.js";
import { cutVariable } from "./cut.js";
import { type DataContext, polynomial, scaled, spline } from "./data-basis.js";
import { arithmetic, DATE_FACTORS, dateColumn, isLogical, LAG_CALLS } from "./expression.js";
import { FACTOR_CALLS, type Factor, factorOfCall } from "./factor-calls.js";
import { formulaError } from "./formula-error.js";
import { type LagContext, LaggedColumns } from "./lags.js";
import { type Formula, parseFormula } from "./parse.js";
import {
  completeSpec,
  type DateFactor,
  type Expression,
  type ModelSpec,
  textsOf,
  type Variable,
} from "./spec.js";
import { deparse, quoteName, type Syntax } from "./syntax.js";
import { type Target, withTargets } from "./targets.js";
import { expandTerms } from "./terms.js";

/** What a formula is read against. */
export interface FormulaContext {
  /** The table's columns, with their kinds. */
  columns: readonly Column[];
  /** The target, or several, for a formula without a left side. */
  target?: string | readonly string[] | undefined;
  /** The columns that `.` stands for, less those of the left side; all of the table's by default. */
  dot?: readonly string[] | undefined;
  /** false leaves the intercept out, whatever the formula says. */
  intercept?: boolean | undefined;
  /** Columns whose levels' effects are absorbed, beside those that the formula names behind a `|`. */
  absorb?: readonly string[] | undefined;
  /** What is known of the data, for terms that depend on them; where it does not yet know an answer it notes the question. */
  data?: { find(request: SummaryRequest): ColumnSummary } | undefined;
  /** The variables of a model, which are these under their labels, whatever the data. */
  variables?: readonly Variable[] | undefined;
  /** Where lag() and the like look for other rows; for a model's own formula, the columns that it has of them. */
  lags?: LagContext | undefined;
}

/** Functions that make several columns of one, in a way that depends on the data. */
const BASES = new Set(["poly", "ns", "bs"]);

/**
 * The model that a formula of R's language describes on a table. Text columns are factors; `factor(x)` and `C(x)`
 * make one of a numeric column. Throws UsageError that shows the place, with a hint.
 */
export function formulaSpec(text: string, context: FormulaContext): ModelSpec {
  return new Resolver(parseFormula(text), context).spec();
}

/** The model of a target, or of several, on columns as they are, without a formula; text columns are factors. */
export function columnsSpec(
  asked: string | readonly string[],
  features: readonly Column[],
  context: {
    intercept?: boolean | undefined;
    absorb?: readonly Column[] | undefined;
  },
): ModelSpec {
  const { absorb = [] } = context;
  const intercept = (context.intercept ?? true) && absorb.length === 0;
  const terms = features.map(({ name }) => quoteName(name)).join(" + ") || "1";
  const effects = absorb.length === 0 ? "" : ` | ${absorb.map(({ name }) => quoteName(name)).join(" + ")}`;
  const factor = ({ name, kind, words }: Column): Variable => {
    if (kind === "text" || words) return { kind: "factor", label: name, column: name, of: "text" };
    return { kind: "factor", label: `factor(${quoteName(name)})`, column: name, of: "numbers" };
  };
  const targets = typeof asked === "string" ? [asked] : asked;
  const [target, ...further] = targets.map((name) => ({ label: name, expression: { column: name } }));
  const left = targets.map(quoteName);
  const spec = completeSpec({
    formula: `${leftSide(left)} ~ ${terms}${intercept || effects !== "" ? "" : " - 1"}${effects}`,
    target: target!,
    intercept,
    variables: [
      ...features.map(
        ({ name, kind }): Variable =>
          kind === "text"
            ? { kind: "factor", label: name, column: name, of: "text" }
            : { kind: "numeric", label: name, expression: { column: name } },
      ),
      ...absorb.map(factor),
    ],
    terms: features.map(({ name }, i) => ({ label: name, variables: [i] })),
    ...(absorb.length === 0 ? {} : { absorbed: absorb.map((_, i) => features.length + i) }),
  });
  return withTargets(spec, further);
}

/** Targets as they stand left of the ~. */
function leftSide(targets: readonly string[]): string {
  return targets.length === 1 ? targets[0]! : `cbind(${targets.join(", ")})`;
}

class Resolver {
  readonly #formula: Formula;
  readonly #context: FormulaContext;
  readonly #columns: Map<string, Column>;
  readonly #variables: Variable[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #lags: LaggedColumns;

  constructor(formula: Formula, context: FormulaContext) {
    this.#formula = formula;
    this.#context = context;
    this.#columns = new Map(context.columns.map((column) => [column.name, column]));
    this.#lags = new LaggedColumns(formula.text, context.lags, this.#columns, (inner, options) =>
      this.#arithmetic(inner, options),
    );
  }

  spec(): ModelSpec {
    const responses = this.#responses();
    const labels = responses.map(deparse);
    const [target, ...further] = responses.map((response, t): Target => {
      const label = response.type === "name" ? response.name : labels[t]!;
      return { label, expression: this.#arithmetic(response) };
    });
    if (further.length > 0)
      for (const [t, { expression }] of [target!, ...further].entries())
        if (textsOf(expression).length > 0)
          throw this.#error(responses[t]!, "targets side by side are made of columns of numbers");
    // So far only the targets have been read.
    if (further.length > 0 && this.#lags.ofSpec().lags !== undefined)
      throw this.#error(
        responses[0]!,
        "targets side by side are not made of other rows",
        "Train for each of them.",
      );
    const { terms, effects, slopes, behind, endogenous } = this.#withoutEffects();
    const { instruments } = this.#formula;
    const offsets: Syntax[] = [];
    const right = slopes.reduce<Syntax>(
      (sum, value) => ({ type: "call", name: "+", args: [{ value: sum }, { value }], at: value.at }),
      (this.#formula.text.includes("offset") ? this.#withoutOffsets(terms, offsets) : terms) ?? {
        type: "number",
        value: 1,
        integer: false,
        at: terms.at,
      },
    );
    if (offsets.length > 0) {
      if (instruments !== undefined)
        throw this.#error(
          offsets[0]!,
          "an offset and instruments do not go together",
          "Take it from the target.",
        );
      const offset = this.#offset(offsets);
      for (const one of [target!, ...further]) Object.assign(one, { offset });
    }
    const aside = [...behind, ...[endogenous, instruments].filter((node) => node !== undefined)];
    const elsewhere = new Set([...responses, ...aside].flatMap((node) => [...namesIn(node)]));
    const dot = (): Syntax[] =>
      (this.#context.dot ?? [...this.#columns.keys()])
        .filter((name) => !elsewhere.has(name))
        .map((name) => ({ type: "name", name, at: this.#formula.text.indexOf(".") }));
    const install = (node: Syntax): number => {
      const variable = deparse(node);
      if (labels.includes(variable))
        throw this.#error(
          node,
          `the target ${variable} is among the terms`,
          "Take it out on the right side.",
        );
      const known = this.#numbers.get(variable);
      if (known !== undefined) return known;
      this.#numbers.set(variable, this.#variables.length);
      return this.#variables.push(this.#variable(node, variable)) - 1;
    };
    const expand = (node: Syntax) => expandTerms(this.#formula.text, node, install, dot);
    const first = endogenous && expand(endogenous).terms;
    const { intercept, terms: exogenous } = expand(right);
    const { expanded, parts } = this.#instrumented(
      first,
      exogenous,
      instruments && expand(instruments).terms,
    );
    const absorbed = this.#absorbed(effects, expanded, right);
    const constant = intercept && this.#context.intercept !== false;
    const spec = completeSpec({
      formula: this.#formula.response
        ? this.#formula.text
        : `${leftSide(labels)} ${this.#formula.text.trim()}`,
      target: target!,
      intercept: constant && absorbed.length === 0 && slopes.length === 0,
      ...(absorbed.length === 0 ? {} : { absorbed }),
      ...(parts === undefined ? {} : { instruments: parts }),
      ...this.#lags.ofSpec(),
      variables: this.#variables,
      terms: expanded.map((variables) => ({
        label: variables.map((i) => this.#variables[i]!.label).join(":"),
        variables,
      })),
    });
    // Lags that only further targets have are none of the first's.
    return further.length === 0 ? spec : withTargets({ ...spec, ...this.#lags.ofSpec() }, further);
  }

  /** The terms without those that are offset(x), which it adds to `offsets`; undefined where no other is left. */
  #withoutOffsets(node: Syntax, offsets: Syntax[]): Syntax | undefined {
    if (node.type !== "call") return node;
    if (node.name === "offset") {
      offsets.push(node);
      return undefined;
    }
    if ((node.name !== "+" && node.name !== "-") || node.args.length !== 2) return node;
    const [left, right] = node.args.map(({ value }) => value) as [Syntax, Syntax];
    if (right.type === "call" && right.name === "offset") {
      if (node.name === "-") throw this.#error(right, "an offset is added", "offset(-x) takes x away.");
      offsets.push(right);
      return this.#withoutOffsets(left, offsets);
    }
    const rest = this.#withoutOffsets(left, offsets);
    if (rest === left) return node;
    if (rest !== undefined) return { ...node, args: [{ value: rest }, { value: right }] };
    return node.name === "+" ? right : { ...node, args: [{ value: right }] };
  }

  #offset(all: readonly Syntax[]): { label: string; expression: Expression } {
    // One that is there twice counts once, as any term does, and as in R.
    const offsets = [...new Map(all.map((node) => [deparse(node), node])).values()];
    const values = offsets.map((node) => {
      const args = (node as Syntax & { type: "call" }).args;
      if (args.length !== 1) throw this.#error(node, "offset() takes one expression");
      return this.#arithmetic(args[0]!.value);
    });
    return {
      label: offsets.map(deparse).join(" + "),
      expression: values.reduce((a, b) => ({ call: "+", args: [a, b] })),
    };
  }

  /**
   * The terms, and what stands behind a `|`: the columns whose effects are absorbed, and slopes by level as terms. As
   * fixest has it, `firm[x]` is an effect and a slope on x for every firm, `firm[[x]]` the slopes alone.
   */
  #withoutEffects(): {
    terms: Syntax;
    effects: Syntax[];
    slopes: Syntax[];
    behind: Syntax[];
    endogenous?: Syntax;
  } {
    const parts = this.#formula.instruments && this.#instrumentedParts();
    const { terms = this.#formula.terms, endogenous } = parts ?? {};
    const none = { terms, effects: [], slopes: [], behind: [], ...(endogenous && { endogenous }) };
    if (terms.type !== "call" || terms.name !== "|") return none;
    const [left, right] = terms.args.map(({ value }) => value) as [Syntax, Syntax];
    if (endogenous !== undefined && right.type === "number" && right.value === 0)
      return { ...none, terms: left };
    if (left.type === "call" && left.name === "|")
      throw this.#error(
        right,
        "a second | is not understood",
        "Terms stand before the |, effects to absorb after it.",
      );
    const sum = (node: Syntax): Syntax[] =>
      node.type === "call" && node.name === "+" && node.args.length === 2
        ? node.args.flatMap(({ value }) => sum(value))
        : [node];
    const behind = sum(right);
    const effects: Syntax[] = [];
    const slopes: Syntax[] = [];
    for (const node of behind) {
      if (node.type !== "call" || (node.name !== "[" && node.name !== "[[")) {
        effects.push(node);
        continue;
      }
      const [factor, ...numbers] = node.args.map(({ value }) => value) as [Syntax, ...Syntax[]];
      if (node.name === "[") effects.push(factor);
      slopes.push(...numbers.map((number) => this.#slope(factor, number)));
      if (numbers.length === 0) throw this.#error(node, "no column to have slopes on", "As in firm[x].");
    }
    return { terms: left, effects, slopes, behind, ...(endogenous && { endogenous }) };
  }

  /** Cuts `exogenous | effects | endogenous`, of which `effects` may be left out, before its last `|`. */
  #instrumentedParts(): { terms: Syntax; endogenous: Syntax } {
    const { terms } = this.#formula;
    if (terms.type !== "call" || terms.name !== "|")
      throw this.#error(
        terms,
        "a second ~ needs the endogenous variables before it, behind a |",
        "As in y ~ exogenous | 0 | endogenous ~ instruments.",
      );
    const [left, right] = terms.args.map(({ value }) => value) as [Syntax, Syntax];
    return { terms: left, endogenous: right };
  }

  /** All terms, the endogenous first and those that are only instruments last, and which are which. */
  #instrumented(
    endogenous: readonly number[][] | undefined,
    exogenous: number[][],
    instruments: readonly number[][] | undefined,
  ): { expanded: number[][]; parts?: NonNullable<ModelSpec["instruments"]> } {
    if (endogenous === undefined || instruments === undefined) return { expanded: exogenous };
    const { terms } = this.#formula;
    const named = (list: readonly number[]) => list.map((v) => this.#variables[v]!.label).join(":");
    const among = (list: readonly number[][], term: readonly number[]) =>
      list.some((other) => String(other) === String(term));
    const twice = endogenous.find((term) => among(exogenous, term));
    if (twice !== undefined)
      throw this.#error(
        terms,
        `${named(twice)} is endogenous and exogenous`,
        "Take it out of one of the parts.",
      );
    const itself = endogenous.find((term) => among([...instruments], term));
    if (itself !== undefined)
      throw this.#error(terms, `${named(itself)} is an instrument of itself`, "Then it is exogenous.");
    const excluded = instruments.filter((term) => !among(exogenous, term));
    if (endogenous.length === 0)
      throw this.#error(terms, "no endogenous variable stands before the second ~");
    if (excluded.length === 0)
      throw this.#error(terms, "no instrument stands behind the second ~ that is not exogenous");
    const from = endogenous.length + exogenous.length;
    return {
      expanded: [...endogenous, ...exogenous, ...excluded],
      parts: {
        endogenous: endogenous.map((_, i) => i),
        excluded: excluded.map((_, i) => from + i),
      },
    };
  }

  /** The term of a slope on a number for each level of a factor. */
  #slope(factor: Syntax, number: Syntax): Syntax {
    const { column } = this.#effect(factor);
    const { at } = number;
    if (number.type === "name" && this.#column(number.name, number).kind === "text")
      throw this.#error(number, `column ${quoteName(number.name)} is text: slopes are on numbers`);
    const kind = this.#columns.get(column)!.kind;
    const value: Syntax =
      kind === "text" ? factor : { type: "call", name: "factor", args: [{ value: factor }], at: factor.at };
    return { type: "call", name: ":", args: [{ value }, { value: number }], at };
  }

  /** The factors to absorb, which are no terms of their own: their indices. */
  #absorbed(effects: readonly Syntax[], terms: readonly number[][], right: Syntax): number[] {
    const alone = new Set(
      terms.flatMap((term) => (term.length === 1 ? term : [])).map((v) => this.#variables[v]!),
    );
    const columns = new Set<string>();
    const nodes = [...effects, ...(this.#context.absorb ?? []).map(nameAt)];
    return nodes.flatMap((node) => {
      const variable = this.#effect(node);
      if (variable.kind !== "factor" || columns.has(variable.column)) return [];
      columns.add(variable.column);
      for (const term of alone)
        if (term.kind === "factor" && term.column === variable.column)
          throw this.#error(
            right,
            `${variable.column} is absorbed and a term too`,
            "Leave it out of the terms.",
          );
      // Of a factor of slopes too: one variable, so that the moments have its levels once.
      const known = this.#variables.findIndex(
        (one) => one.kind === "factor" && one.column === variable.column && one.of === variable.of && !one.by,
      );
      return [known >= 0 ? known : this.#variables.push(variable) - 1];
    });
  }

  #effect(node: Syntax): Variable & { kind: "factor" } {
    if (node.type !== "name")
      throw this.#error(node, "an effect to absorb is a column", "As in y ~ x | firm + year.");
    const column = this.#column(node.name, node);
    if (column.dates !== undefined)
      throw this.#error(node, `column ${quoteName(column.name)} holds dates`, textHint(column));
    const of = column.kind === "text" || column.words ? "text" : "numbers";
    const label = of === "text" ? quoteName(column.name) : `factor(${quoteName(column.name)})`;
    return { kind: "factor", label, column: column.name, of };
  }

  /** The targets: one, or the arguments of cbind(). */
  #responses(): Syntax[] {
    const { response } = this.#formula;
    if (response?.type === "call" && response.name === "cbind") {
      const labels = new Set<string>();
      for (const { name, value } of response.args) {
        if (name !== undefined)
          throw this.#error(value, "targets keep their own names", `Leave ${name} = out.`);
        const label = deparse(value);
        if (labels.has(label)) throw this.#error(value, `${label} is a target twice`);
        labels.add(label);
      }
      if (labels.size === 0)
        throw this.#error(response, "cbind() has no targets", "As in cbind(y1, y2) ~ x.");
      return response.args.map(({ value }) => value);
    }
    if (response) return [response];
    if (this.#context.target === undefined)
      throw formulaError(
        this.#formula.text,
        0,
        "no target",
        wording`Write it before the ~, or say ${option("target")}.`,
      );
    const { target } = this.#context;
    return (typeof target === "string" ? [target] : target).map((name) => ({ type: "name", name, at: 0 }));
  }

  #variable(node: Syntax, label: string): Variable {
    if (node.type === "name") {
      const column = this.#column(node.name, node);
      if (column.dates !== undefined)
        throw this.#error(node, `column ${quoteName(column.name)} holds dates`, textHint(column));
      if (column.kind === "text") return { kind: "factor", label, column: column.name, of: "text" };
      return { kind: "numeric", label, expression: { column: column.name } };
    }
    if (node.type === "call" && FACTOR_CALLS.has(node.name))
      return factorOfCall(node, this.#formula.text, label, (inner) => this.#factorOf(node.name, inner));
    if (node.type === "call" && DATE_FACTORS.has(node.name)) {
      const { text: column } = this.#dates(dateColumn(node, this.#formula.text));
      return { kind: "factor", label, column, of: "text", by: node.name as DateFactor };
    }
    if (node.type === "call" && BASES.has(node.name)) return this.#ofData(node, label);
    if (node.type === "call" && node.name === "cut") {
      const base =
        node.args.find(({ name }) => name === "x") ?? node.args.find(({ name }) => name === undefined);
      const known = this.#context.variables?.find((variable) => variable.label === label);
      if (known !== undefined) return known;
      return cutVariable(node, label, base && this.#arithmetic(base.value), this.#dataContext());
    }
    if (isLogical(node)) {
      const holds = this.#arithmetic(node);
      return {
        kind: "basis",
        label,
        columns: [
          { name: "FALSE", expression: { call: "!", args: [holds] } },
          { name: "TRUE", expression: holds },
        ],
        indicators: true,
      };
    }
    if (node.type === "call" && LAG_CALLS.has(node.name)) return this.#lags.variable(node, label);
    const known = this.#context.variables?.find((variable) => variable.label === label);
    if (known?.kind === "numeric") return known;
    return { kind: "numeric", label, expression: this.#arithmetic(node) };
  }

  /** The factor that the first argument of factor(), C() and the like is: a column, or another such call. */
  #factorOf(call: string, node: Syntax): Factor {
    if (node.type === "name") {
      const column = this.#column(node.name, node);
      const of = column.kind === "text" || column.words ? "text" : "numbers";
      return { kind: "factor", label: "", column: column.name, of };
    }
    const variable = node.type === "call" ? this.#variable(node, deparse(node)) : undefined;
    if (variable?.kind === "factor") return variable;
    throw this.#error(node, `${call}() takes one column, or a factor`);
  }

  /** A call whose columns depend on the data, or, in a formula for a model, that model's own. */
  #ofData(node: Syntax & { type: "call" }, label: string): Variable {
    const known = this.#context.variables?.find((variable) => variable.label === label);
    if (known !== undefined) return known;
    const context = this.#dataContext();
    return node.name === "poly" ? polynomial(node, label, context) : spline(node, label, context);
  }

  #dataContext(): DataContext {
    return {
      text: this.#formula.text,
      arithmetic: (inner) => this.#arithmetic(inner),
      summary: ({ expression, powers, values }, at) => {
        const { data } = this.#context;
        const found = data?.find({ label: deparse(at), expression, powers, values });
        if (found !== undefined) return found;
        throw this.#error(
          at,
          `${at.name}() depends on the data, which are not at hand`,
          at.name === "poly"
            ? "poly(x, 3, raw = TRUE) has the same fit."
            : at.name === "scale"
              ? "Leave it out: the fit is the same."
              : at.name === "cut"
                ? "Give its breaks."
                : "Give knots and Boundary.knots.",
        );
      },
    };
  }

  #arithmetic(node: Syntax, { within = false } = {}): Expression {
    return arithmetic(node, {
      text: this.#formula.text,
      column: (name) => {
        const column = this.#column(name.name, name);
        if (column.kind !== "text") return { column: column.name };
        throw this.#error(name, `column ${quoteName(column.name)} is text, not numbers`, textHint(column));
      },
      dates: (name) => this.#dates(name),
      scale: (call) => {
        if (!within) return scaled(call, this.#dataContext());
        throw this.#error(call, "scale() stands around lag(), not within it", "scale(lag(x))");
      },
      lagged: (call) => {
        if (!within) return this.#lags.expression(call);
        throw this.#error(
          call,
          `${call.name}() does not stand within another lag(), lead() or diff()`,
          "The lag of a lag is lag(x, 2); the difference of a difference is I(x - 2*lag(x) + lag(x, 2)).",
        );
      },
      isText: ({ name }) => this.#columns.get(name)?.kind === "text",
    });
  }

  #dates(node: Syntax & { type: "name" }): { text: string } {
    const column = this.#column(node.name, node);
    if (column.kind !== "text")
      throw this.#error(node, `column ${quoteName(column.name)} holds numbers, not dates`);
    return { text: column.name };
  }

  #column(name: string, node: Syntax): Column {
    const column = this.#columns.get(name);
    if (column) return column;
    const nearest = nearestName(name, [...this.#columns.keys()]);
    const names = [...this.#columns.keys()];
    throw this.#error(
      node,
      name === "." ? '"." stands alone' : `there is no column ${quoteName(name)}`,
      nearest === undefined
        ? `Columns: ${names.slice(0, 20).map(quoteName).join(", ")}${names.length > 20 ? ", …" : ""}.`
        : `Did you mean ${quoteName(nearest)}?`,
    );
  }

  #error(node: Syntax, message: string, hint?: Wording): UsageError {
    return formulaError(this.#formula.text, node.at, message, hint);
  }
}

function nameAt(name: string): Syntax {
  return { type: "name", name, at: 0 };
}

function textHint({ name, dates }: Column): string {
  const quoted = quoteName(name);
  return dates === undefined
    ? `As a term of its own, ${quoted} is a factor.`
    : `It holds dates: as.Date(${quoted}), weekdays(${quoted}), months(${quoted}), year(${quoted}), hour(${quoted}).`;
}

function namesIn(node: Syntax): string[] {
  if (node.type === "name") return [node.name];
  return node.type === "call" ? node.args.flatMap(({ value }) => namesIn(value)) : [];
}
