// Holds the running server to the document that it serves, by a property-based client (schemathesis): no answer of
// 5xx, no status, type or shape that is not in /openapi.json, no schema-valid request that is refused.
//   node tests/contract.mjs               what `npm run test:full` runs
//   node tests/contract.mjs --cases 500   more cases for each operation
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { binary, cacheDir } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";

const SCHEMATHESIS = "4.32.5";
const { values: flags } = parseArgs({ options: { cases: { type: "string", default: "50" } } });
const folder = mkdtempSync(join(tmpdir(), "upnext-contract-"));
const at = (name) => join(folder, name);
const adminKey = "the admin key of the tests, 32 b+";
const secret = "a secret of the tests, 32 bytes+";
const environment = { ...process.env, UPNEXT_TOKEN_SECRET: secret, UPNEXT_ADMIN_KEY: adminKey };

// A bad event inside a good batch is named in an answer of 200, and the client always sends a good admin key.
const checks = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance", "positive_data_acceptance", "unsupported_method", "allow_header_conformance"];

let server;
let code = 1;
try {
  const venv = join(cacheDir, `schemathesis-${SCHEMATHESIS}`);
  const program = join(venv, "bin", "schemathesis");
  if (!existsSync(program)) {
    await step("virtual environment", "python3", ["-m", "venv", venv]);
    await step(`schemathesis ${SCHEMATHESIS}`, join(venv, "bin", "pip"), ["install", "-q", `schemathesis==${SCHEMATHESIS}`]);
  }
  await step("server and export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  const exporter = binary("upnext-export");
  await step("small world", exporter, ["simulate", "--users", "60", "--videos", "80", "--out", at("tables")]);
  await step("training", exporter, ["train", "--data", at("tables"), "--out", at("bundle"), "--epochs", "1"]);

  const limits = ["--account-rate", "1000000", "--account-burst", "1000000"];
  server = spawn(binary("upnext-server"), ["--bundle", at("bundle"), "--data", at("live"), "--listen", "127.0.0.1:0", "--log-json", ...limits], { stdio: ["ignore", "ignore", "pipe"], env: environment });
  const origin = await new Promise((found, failed) => {
    let log = "";
    server.on("exit", () => failed(new Error(log)));
    server.stderr.on("data", (chunk) => {
      // Only what comes before the first request is of interest.
      if (log.length < 4096) log += chunk;
      const address = /serving on (http:\/\/[\d.:]+)/.exec(log)?.[1];
      if (address) found(address);
    });
  });
  const token = execFileSync(binary("upnext-server"), ["token", "--account", "u1"], { env: environment, encoding: "utf8" }).trim();
  const run = (name, args) => step(name, program, ["run", `${origin}/openapi.json`, "--max-examples", flags.cases, "--phases", "coverage,fuzzing", "--checks", checks.join(","), "--continue-on-failure", "--no-color", "--generation-database", "none", ...args], { cwd: folder, allowFailure: true, show: true });
  const asAdmin = await run("contract, with the admin key", ["-H", `x-upnext-admin-key: ${adminKey}`]);
  const asAccount = await run("contract, with a token", ["-H", `Authorization: Bearer ${token}`, "--include-path", "/v1/candidates", "--include-path", "/v1/events"]);
  code = asAdmin.code === 0 && asAccount.code === 0 ? 0 : 1;
  for (const { code, output } of [asAdmin, asAccount]) if (code !== 0) console.error(output);
} catch (error) {
  console.error(error.message);
} finally {
  server?.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}
console.log(code === 0 ? "the server keeps to its contract" : "the server breaks its contract");
process.exitCode = code;
