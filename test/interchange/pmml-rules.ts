import type { Document, Element } from "@xmldom/xmldom";

/** Rules of one element: its children in order with how often each may occur, and its attributes. */
interface Rule {
  /** `?` at most once, `*` any number, `+` at least once, else exactly once; `|` between alternatives. */
  children?: string[];
  /** By name: a required attribute ends in `!`; the value is what is allowed. */
  attributes?: Record<string, RegExp>;
  text?: RegExp;
}

const NUMBER = /^-?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?$/;
const NAME = /./s;
const OPTYPE = /^(categorical|ordinal|continuous)$/;
const TYPE = /^(string|integer|float|double|boolean)$/;
const EXPRESSION = "Constant|FieldRef|NormDiscrete|Apply";

/**
 * The schema of PMML 4.4 for the elements that a regression of ours has, in our words: sequences, attributes and
 * their types as in the standard's pages General Structure, Data Dictionary, Mining Schema, Output, Transformations
 * and Regression. Elements that are not here are not allowed.
 */
const RULES: Record<string, Rule> = {
  PMML: {
    children: ["Header", "DataDictionary", "TransformationDictionary?", "RegressionModel*"],
    attributes: { "version!": /^4\.4$/, xmlns: /^http:\/\/www\.dmg\.org\/PMML-4_4$/ },
  },
  Header: { children: ["Application?"], attributes: { copyright: NAME, description: NAME } },
  Application: { attributes: { "name!": NAME, version: NAME } },
  DataDictionary: { children: ["DataField+"], attributes: { numberOfFields: /^\d+$/ } },
  DataField: {
    children: ["Interval*", "Value*"],
    attributes: { "name!": NAME, "optype!": OPTYPE, "dataType!": TYPE },
  },
  Value: { attributes: { "value!": NAME, property: /^(valid|invalid|missing)$/ } },
  RegressionModel: {
    children: ["MiningSchema", "Output?", "Targets?", "LocalTransformations?", "RegressionTable+"],
    attributes: {
      modelName: NAME,
      "functionName!": /^(regression|classification)$/,
      algorithmName: NAME,
      normalizationMethod: /^none$/,
    },
  },
  MiningSchema: { children: ["MiningField+"] },
  MiningField: {
    attributes: {
      "name!": NAME,
      usageType: /^(active|target|predicted|supplementary)$/,
      missingValueTreatment: /^(asIs|asMean|asMode|asMedian|asValue|returnInvalid)$/,
      invalidValueTreatment: /^(returnInvalid|asIs|asMissing|asValue)$/,
    },
  },
  Output: { children: ["OutputField+"] },
  OutputField: {
    attributes: { "name!": NAME, "dataType!": TYPE, optype: OPTYPE, feature: /^predictedValue$/ },
  },
  LocalTransformations: { children: ["DerivedField*"] },
  DerivedField: {
    children: [EXPRESSION, "Value*"],
    attributes: { "name!": NAME, "optype!": OPTYPE, "dataType!": TYPE },
  },
  Constant: { text: NAME, attributes: { dataType: TYPE } },
  FieldRef: { attributes: { "field!": NAME } },
  NormDiscrete: { attributes: { "field!": NAME, "value!": NAME } },
  Apply: {
    children: [`${EXPRESSION}*`],
    attributes: {
      "function!":
        /^([-+*/]|pow|ln|ln1p|log10|exp|sqrt|abs|if|lessOrEqual|lessThan|greaterThan|greaterOrEqual|equal|notEqual|and|or|isIn|isMissing)$/,
    },
  },
  RegressionTable: {
    children: ["NumericPredictor*", "CategoricalPredictor*", "PredictorTerm*"],
    attributes: { "intercept!": NUMBER },
  },
  NumericPredictor: { attributes: { "name!": NAME, exponent: /^\d+$/, "coefficient!": NUMBER } },
  CategoricalPredictor: { attributes: { "name!": NAME, "value!": NAME, "coefficient!": NUMBER } },
  PredictorTerm: { children: ["FieldRef+"], attributes: { "coefficient!": NUMBER } },
};

/** What in a document breaks the rules of PMML 4.4; nothing where it keeps them. */
export function brokenRules(document: Document): string[] {
  const root = document.documentElement!;
  const broken = root.tagName === "PMML" ? [] : [`the root is ${root.tagName}`];
  check(root, broken);
  checkFields(root, broken);
  return broken;
}

/** An element's child elements. */
export function childrenOf(element: Element): Element[] {
  return Array.from(element.childNodes).filter((node): node is Element => node.nodeType === 1);
}

/** All elements of a name below one. */
export function below(element: Element, name: string): Element[] {
  return Array.from(element.getElementsByTagName(name));
}

function check(element: Element, broken: string[]): void {
  const rule = RULES[element.tagName];
  if (rule === undefined) {
    broken.push(`unknown element ${element.tagName}`);
    return;
  }
  const pattern = (rule.children ?? []).map((child) => {
    const [, names, times] = /^(.*?)([?*+]?)$/.exec(child)!;
    return `(?:(?:${names}) )${times}`;
  });
  const children = childrenOf(element);
  const sequence = children.map(({ tagName }) => `${tagName} `).join("");
  if (!new RegExp(`^${pattern.join("")}$`).test(sequence))
    broken.push(`${element.tagName} has children ${sequence}`);
  const text = children.length === 0 ? (element.textContent ?? "") : "";
  if (rule.text ? !rule.text.test(text) : text.trim() !== "")
    broken.push(`${element.tagName} has text ${text}`);
  const attributes = new Map(Array.from(element.attributes, ({ name, value }) => [name, value]));
  for (const [key, allowed] of Object.entries(rule.attributes ?? {})) {
    const name = key.replace("!", "");
    const value = attributes.get(name);
    attributes.delete(name);
    if (value === undefined ? key.endsWith("!") : !allowed.test(value))
      broken.push(`${element.tagName} has ${name}=${value}`);
  }
  for (const name of attributes.keys()) broken.push(`${element.tagName} has an attribute ${name}`);
  for (const child of children) check(child, broken);
}

/** Rules that the standard states in words: of names, their scope, and which predictor goes with which field. */
function checkFields(root: Element, broken: string[]): void {
  const dictionary = below(root, "DataField");
  const [count] = below(root, "DataDictionary").map((element) =>
    Number(element.getAttribute("numberOfFields")),
  );
  if (count !== dictionary.length) broken.push(`numberOfFields is ${count} of ${dictionary.length}`);
  const optypes = new Map<string, string>();
  for (const field of [...dictionary, ...below(root, "DerivedField")]) {
    const name = field.getAttribute("name")!;
    if (optypes.has(name)) broken.push(`two fields ${name}`);
    // A derived field may use only what stands before it.
    for (const used of [...below(field, "FieldRef"), ...below(field, "NormDiscrete")]) {
      const optype = optypes.get(used.getAttribute("field")!);
      if (optype === undefined)
        broken.push(`${name} uses ${used.getAttribute("field")}, which is not defined yet`);
      if (used.tagName === "NormDiscrete" && optype !== "categorical")
        broken.push(`NormDiscrete of ${optype}`);
    }
    optypes.set(name, field.getAttribute("optype")!);
  }
  const mining = below(root, "MiningField");
  for (const field of mining)
    if (!dictionary.some((other) => other.getAttribute("name") === field.getAttribute("name")))
      broken.push(`MiningField ${field.getAttribute("name")} is not in the dictionary`);
  if (mining.filter((field) => field.getAttribute("usageType") === "target").length !== 1)
    broken.push("not one target");
  const expectType = (element: Element, attribute: string, optype: string) => {
    if (optypes.get(element.getAttribute(attribute)!) !== optype)
      broken.push(`${element.tagName} of ${element.getAttribute(attribute)}, which is not ${optype}`);
  };
  for (const predictor of below(root, "NumericPredictor")) expectType(predictor, "name", "continuous");
  for (const predictor of below(root, "CategoricalPredictor")) expectType(predictor, "name", "categorical");
  for (const term of below(root, "PredictorTerm"))
    for (const field of childrenOf(term)) expectType(field, "field", "continuous");
}
