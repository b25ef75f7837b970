// What was built is built again only when something that it is made of has changed.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tests/lib/paths.mjs";

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Hash over names and bytes of the inputs. */
function hashOf(inputs) {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap((input) => filesBelow(join(root, input)))) {
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

/** Runs `work` unless `folder` was last built from these inputs. */
export async function unlessUnchanged(name, folder, inputs, work) {
  const stamp = join(folder, ".stamp");
  const hash = hashOf(inputs);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) {
    console.error(`✓ ${name}: unchanged`);
    return;
  }
  await work();
  mkdirSync(folder, { recursive: true });
  writeFileSync(stamp, hash);
}
