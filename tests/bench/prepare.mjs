// What more than one benchmark needs: a Python with packages, FAISS among them, and a bundle of a simulated world.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, cacheDir, workDir } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";

// A range, no pin: each Python version has wheels of some releases only.
const FAISS = ["faiss-cpu>=1.8,<2", "numpy>=1.26,<3"];

/** A Python with these packages, in a virtual environment that is made once. */
export async function venvOf(venv, requirements) {
  const python = join(venv, "bin", "python");
  const stamp = join(venv, "requirements.txt");
  const wanted = `${requirements.join("\n")}\n`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return python;
  await step("virtual environment", "python3", ["-m", "venv", "--clear", venv]);
  await step(requirements[0].split(/[<>=]/)[0], python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...requirements]);
  writeFileSync(stamp, wanted);
  return python;
}

/** A Python with FAISS. */
export const benchPython = () => venvOf(join(cacheDir, "bench-faiss"), FAISS);

/** Bundle root of a simulated world of 1,500 viewers and 3,000 videos, trained once for each build of the exporter. */
export async function benchBundle() {
  const exporter = binary("upnext-export");
  const folder = join(workDir, "bench");
  const stamp = join(folder, "stamp");
  const wanted = String(Math.floor(statSync(exporter).mtimeMs));
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    await step("simulate", exporter, ["simulate", "--users", "1500", "--videos", "3000", "--out", join(folder, "tables")]);
    await step("train", exporter, ["train", "--data", join(folder, "tables"), "--out", join(folder, "bundle"), "--epochs", "2"]);
    writeFileSync(stamp, wanted);
  }
  return join(folder, "bundle");
}
