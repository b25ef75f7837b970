// Bills of materials in CycloneDX: the npm package's by npm, that of the programs from what cargo resolved.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../tests/lib/paths.mjs";

const read = (command, args) => JSON.parse(execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 }));
const instant = (epoch) => new Date(Number(epoch) * 1000).toISOString();

/** A serial number that the contents decide, not the day. */
function numbered(bom) {
  const { serialNumber: _, ...rest } = bom;
  const hex = createHash("sha256").update(JSON.stringify(rest)).digest("hex");
  // The shape of a UUID of version 8: made by its owner's own rule.
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join("-");
  return { ...rest, serialNumber: `urn:uuid:${uuid}` };
}

/** What the npm package holds and depends on, its tools left out. */
export function npmBom(epoch) {
  const bom = read("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only", "--omit", "dev", "--loglevel=error"]);
  // npm takes the folder for the name.
  const component = { ...bom.metadata.component, name: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).name };
  return numbered({ ...bom, metadata: { ...bom.metadata, component, timestamp: instant(epoch) } });
}

/** Every crate that is compiled into the two programs, of this machine, or the module; what only tests use is left out. */
export function cratesBom(version, epoch) {
  const [, triple] = /host: (\S+)/.exec(execFileSync("rustc", ["-vV"], { cwd: root, encoding: "utf8" }));
  const { packages, resolve } = read("cargo", ["metadata", "--format-version", "1", "--locked", "--filter-platform", triple, "--filter-platform", "wasm32-unknown-unknown"]);
  const byId = new Map(packages.map((one) => [one.id, one]));
  const nodes = new Map(resolve.nodes.map((node) => [node.id, node]));
  const needed = (id) => nodes.get(id).deps.filter(({ dep_kinds: kinds }) => kinds.some(({ kind }) => kind !== "dev")).map(({ pkg }) => pkg);
  const roots = packages.filter(({ name, source }) => source === null && /^upnext-(export|server|wasm)$/.test(name)).map(({ id }) => id);
  const reached = new Set(roots);
  for (const id of reached) for (const next of needed(id)) reached.add(next);
  const checksums = new Map([...readFileSync(join(root, "Cargo.lock"), "utf8").matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([0-9a-f]{64})"/g)].map(([, name, number, sum]) => [`${name} ${number}`, sum]));
  const reference = (id) => `pkg:cargo/${byId.get(id).name}@${byId.get(id).version}`;
  const ids = [...reached].sort((a, b) => (reference(a) < reference(b) ? -1 : 1));
  const components = ids.map((id) => {
    const { name, version: number, license, license_file: file, source } = byId.get(id);
    const sum = checksums.get(`${name} ${number}`);
    return {
      type: source === null ? "application" : "library",
      "bom-ref": reference(id),
      name,
      version: number,
      purl: reference(id),
      ...(sum && { hashes: [{ alg: "SHA-256", content: sum }] }),
      ...(license && { licenses: [{ expression: license.replaceAll("/", " OR ") }] }),
      ...(!license && file && { licenses: [{ license: { name: `its file ${file}` } }] }),
    };
  });
  const dependencies = ids.map((id) => ({ ref: reference(id), dependsOn: [...new Set(needed(id).map(reference))].sort() }));
  const metadata = { timestamp: instant(epoch), component: { type: "application", "bom-ref": "upnext", name: "upnext", version } };
  return numbered({ $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", bomFormat: "CycloneDX", specVersion: "1.6", version: 1, metadata, components, dependencies });
}
