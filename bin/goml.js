#!/usr/bin/env node
"use strict";
const { start } = require("../dist/bundle/start.js");

start(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
