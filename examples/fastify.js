// Models beside the routes of a Fastify app of one's own: `npm install fastify`.
//
//     node examples/fastify.js model.json [port]
import Fastify from "fastify";
import { readModel } from "goml";
import { plugin } from "goml/serve";

const [file = "model.json", port = "8080"] = process.argv.slice(2);
const app = Fastify();
// All that goml serves, below a prefix: protocols, health, metrics.
await app.register(plugin, { models: file, prefix: "/models" });

// And a route of the app's own: small questions need no protocol, and are answered on the event loop.
const model = await readModel(file);
app.post("/price", async (request) => ({ [model.target]: model.predict([request.body])[0] }));

console.log(await app.listen({ port: Number(port) }));
