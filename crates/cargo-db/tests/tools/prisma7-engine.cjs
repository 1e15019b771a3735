#!/usr/bin/env node
// What Prisma 7 starts as its schema engine: JSON-RPC, one message a line, and behind it the engine's
// WebAssembly build over node's client. The native engine is not in the registry of packages.
"use strict";
const { readFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");
const { pathToFileURL } = require("node:url");

const modules = process.env.ENGINE_MODULES;
const load = createRequire(`${modules}/engine.js`);
const { Client, Pool } = load("pg");
const { PrismaPg } = load("@prisma/adapter-pg");
const { bindMigrationAwareSqlAdapterFactory } = load("@prisma/driver-adapter-utils");

const argument = (name) => process.argv[process.argv.indexOf(name) + 1];
const has = (name) => process.argv.includes(name);
const datasource = has("--datasource") ? JSON.parse(argument("--datasource")) : {};
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);

/// One database: `"char"` comes as text, and a script is sent in one message, as the native engine does.
function factory(connectionString) {
  const pool = new Pool({ connectionString, allowExitOnIdle: true });
  const ask = pool.query.bind(pool);
  pool.query = async (...question) => {
    const answer = await ask(...question);
    for (const field of answer?.fields ?? []) if (field.dataTypeID === 18) field.dataTypeID = 25;
    return answer;
  };
  const prisma = new PrismaPg(pool);
  const connect = prisma.connect.bind(prisma);
  prisma.connect = async () => {
    const connection = await connect();
    connection.executeScript = (script) => pool.query(script).then(() => {}, (error) => connection.onError(error));
    return connection;
  };
  prisma.connectToShadowDb = async () => {
    const connection = await factory(datasource.shadowDatabaseUrl).connect();
    await connection.executeScript("DROP SCHEMA public CASCADE; CREATE SCHEMA public;");
    return connection;
  };
  return prisma;
}

async function canConnect() {
  const client = new Client({ connectionString: datasource.url });
  await client.connect();
  await client.end();
}

async function engine() {
  const folder = `${modules}/@prisma/schema-engine-wasm`;
  const glue = await import(pathToFileURL(`${folder}/schema_engine_bg.js`));
  const bytes = readFileSync(`${folder}/schema_engine_bg.wasm`);
  const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": glue });
  glue.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const models = has("--datamodels")
    ? [[argument("--datamodels"), readFileSync(argument("--datamodels"), "utf8")]]
    : [["schema.prisma", 'datasource db {\n  provider = "postgresql"\n}\n']];
  const adapter = bindMigrationAwareSqlAdapterFactory(factory(datasource.url));
  return glue.SchemaEngine.new({ datamodels: models }, () => {}, adapter);
}

async function answer(started, { id, method, params }) {
  try {
    const one = await started;
    const result = (await one[method === "getDatabaseVersion" ? "version" : method](params)) ?? null;
    if (method === "diff" && result?.stdout) send({ id: -1, method: "print", params: { content: result.stdout } });
    send({ id, result });
  } catch (error) {
    const data = { is_panic: false, message: error.message ?? String(error), meta: error.meta ?? null, error_code: error.code ?? null };
    send({ id, error: { code: 4466, message: "the engine failed", data } });
  }
}

(async () => {
  if (has("--version")) return console.log("schema-engine-cli of the test suite");
  if (has("cli")) return canConnect();
  const started = engine();
  for await (const line of createInterface({ input: process.stdin })) {
    const message = JSON.parse(line);
    if (message.method) await answer(started, message);
  }
})().then(() => process.exit(0), (error) => {
  process.stderr.write(`{}\n${JSON.stringify({ level: "ERROR", fields: { message: error.message, error_code: "P1001" } })}\n`);
  process.exit(1);
});
