// Holds everything that is compiled to deny.toml: licences, sources, yanked versions, and the advisories that the public knows of; and
// Cargo.lock to the same advisories by cargo-audit.
//   npm run audit                       asks for the advisories over the network
//   npm run audit -- --advisories DIR   takes a clone of github.com/rustsec/advisory-db that is there already
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { root } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";
import { ensureAuditors } from "./tools.mjs";

const { values: flags } = parseArgs({ options: { advisories: { type: "string" }, help: { type: "boolean", short: "h" } } });
if (flags.help) {
  console.log("npm run audit -- [--advisories DIR]\n\n  --advisories DIR  clone of github.com/rustsec/advisory-db; without it, it is fetched");
  process.exit(0);
}
await ensureAuditors();
const scratch = mkdtempSync(join(tmpdir(), "upnext-audit-"));
let config = join(root, "deny.toml");
const [deny, audit] = [[], []];
if (flags.advisories !== undefined) {
  const clone = resolve(flags.advisories);
  audit.push("--db", clone, "--no-fetch", "--stale");
  // Where cargo-deny of this version looks for its clone of the public lists.
  symlinkSync(clone, join(scratch, "advisory-db-3157b0e258782691"));
  const there = `[advisories]\ndb-path = ${JSON.stringify(scratch)}`;
  config = join(scratch, "deny.toml");
  writeFileSync(config, readFileSync(join(root, "deny.toml"), "utf8").replace("[advisories]", there));
  deny.push("--offline");
}
let failed = 0;
for (const [program, args] of [
  ["cargo-deny", ["--manifest-path", join(root, "Cargo.toml"), "--config", config, ...deny, "check"]],
  ["cargo-audit", ["audit", "--file", join(root, "Cargo.lock"), ...audit]],
]) {
  const { code, output } = await step(program, program, args, { allowFailure: true });
  if (code !== 0) {
    console.error(output);
    failed += 1;
  }
}
rmSync(scratch, { recursive: true });
process.exitCode = failed > 0 ? 1 : 0;
