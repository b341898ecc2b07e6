// What a server of our own needs of Fastify; the build puts it into this file, with the 43 packages that it brings,
// so that they are those that were tested here. The types are those of the package, and the plugin is for anybody's own.
export { default as Fastify, LogController } from "fastify";
