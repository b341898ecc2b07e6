import { checkDistinct } from "./batch.js";
import { badRequest, listed, quoted } from "./request-error.js";
import { flag, type Json, objectOf } from "./request-tensors.js";

/**
 * The outputs asked for; all there are, where the request names none. Each goes back as binary data where its
 * `binary_data`, or else `binary_data_output` of the request, says so.
 *
 * @param names the outputs that there are
 */
export function outputWishes<Name extends string>(
  { parameters, outputs }: Json,
  names: readonly Name[],
): { name: Name; binary: boolean }[] {
  const given = parameters === undefined ? {} : objectOf(parameters, "parameters");
  const all = flag(given, "binary_data_output") ?? false;
  if (outputs !== undefined && !Array.isArray(outputs))
    throw badRequest(`outputs should be an array, got ${quoted(outputs)}`);
  if (outputs === undefined || outputs.length === 0) return names.map((name) => ({ name, binary: all }));
  const wishes = outputs.map((output: unknown, i) => {
    const { name: asked, parameters: own } = objectOf(output, `outputs[${i}]`);
    const name = names.find((known) => known === asked);
    if (name === undefined)
      throw badRequest(`the model has no output ${quoted(asked)}; it has ${listed(names)}`);
    const binary =
      own === undefined ? undefined : flag(objectOf(own, `outputs[${i}]: parameters`), "binary_data");
    return { name, binary: binary ?? all };
  });
  checkDistinct(
    wishes.map(({ name }) => name),
    "output",
  );
  return wishes;
}
