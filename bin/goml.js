#!/usr/bin/env node
"use strict";
const { start, end } = require("../dist/bundle/start.js");

start(process.argv.slice(2)).then(end);
